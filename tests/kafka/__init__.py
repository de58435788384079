"""Tests of how we connect to Kafka."""
