"""Apache Kafka through aiokafka: connecting, producing, and the topics of a site.

This package owns one technology: the options of a client, the wait for a broker that is still
starting, and the words for a broker that refuses us. It refuses to know what a record says: that
is `published/`, which needs no Kafka.
"""
