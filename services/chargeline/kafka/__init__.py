"""Apache Kafka through aiokafka: connecting, producing, and the topics of a site.

It owns one technology: options, waiting for a broker that starts, and the words for one that
refuses us. What the records say is `published/`.
"""
