"""The metrics of a gateway: connections, frames, answers and refusals.

Programs that listen for senders have them. The module owns the words and no number.
"""

from chargeline.telemetry.declared.words import QUICK_SECONDS
from chargeline.telemetry.declaring import count, durations, gauge


class GatewayMetrics:
    """The metrics of a gateway: connections, frames, answers and refusals."""

    connections = count(
        "chargeline_gateway_connections_total",
        meaning="MLLP connections accepted.",
        do="many a minute: a sender opens a connection for each message, or a health check "
        "connects to the MLLP port.",
    )
    refused_connections = count(
        "chargeline_gateway_refused_connections_total",
        "reason",
        meaning="MLLP connections that were not accepted, were closed at once, or gave way to "
        "another one, by reason.",
        do="too_many: raise CHARGELINE_MLLP_CONNECTIONS, or look for a sender that opens one for "
        "each message. too_many_of_address, gave_way, too_many_handshakes, handshake_gave_way: a "
        "host opens connections and says nothing; connection.refused and connection.gave_way in "
        "the log have its address. If it is a proxy of many senders, raise "
        "CHARGELINE_MLLP_CONNECTIONS_PER_ADDRESS. handshake: its certificate or its TLS version, "
        "see handshake.failed in the log. unknown_sender: the file of CHARGELINE_SENDERS does not "
        "know the address or the certificate, see connection.refused in the log. revoked: "
        "CHARGELINE_MLLP_TLS_CLIENT_CRL_FILE lists the certificate of an open connection. http or "
        "tls: something else speaks to this port, or the sender uses TLS and "
        "CHARGELINE_MLLP_TLS_CERTIFICATE_FILE is not set. unframed: the sender leaves out the MLLP "
        "frame (0x0B before a message, 0x1C 0x0D after it); connection.stranger in the log has its "
        "host.",
    )
    open_connections = gauge(
        "chargeline_gateway_open_connections",
        meaning="MLLP connections open now.",
        do="0 in clinic hours: the sender cannot reach the gateway, or its certificate has "
        "expired.",
    )
    certificate_left = gauge(
        "chargeline_gateway_certificate_left_seconds",
        meaning="Seconds until the certificate of the MLLP listener ends, below 0 when it has "
        "ended; NaN without TLS.",
        do="below 2592000, which is 30 days: replace the files of "
        "CHARGELINE_MLLP_TLS_CERTIFICATE_FILE and _KEY_FILE; they are read again without a "
        "restart.",
    )
    held_bytes = gauge(
        "chargeline_gateway_held_bytes",
        meaning="What the MLLP frames that are not acknowledged take, counted as for "
        "CHARGELINE_MLLP_MEMORY_BYTES.",
        do="near CHARGELINE_MLLP_MEMORY_BYTES: the senders wait, because the store is slow or many "
        "send large messages at once. See /readyz; raise the setting if there is memory for it.",
    )
    frames = count(
        "chargeline_gateway_frames_total",
        "frame",
        meaning="MLLP frames received, by how they ended (idle: the connection was closed because "
        "it was silent).",
        do="too_large: raise CHARGELINE_MLLP_FRAME_BYTES if the sender needs such messages. "
        "broken: the sender or a proxy cuts connections.",
    )
    acknowledgements = count(
        "chargeline_gateway_acknowledgements_total",
        "acknowledgement",
        meaning="Acknowledgements sent, by MSA-1.",
        do="AE or CE: the message was not stored in time, is too large, or cannot be read. AR or "
        "CR: the store is full, or the site does not take this MSH-11 or MSH-12. See "
        "chargeline_gateway_refusals_total.",
    )
    acknowledge = durations(
        "chargeline_gateway_acknowledge_seconds",
        buckets=QUICK_SECONDS,
        meaning="Seconds from the last byte of a message to its acknowledgement.",
        do="near 10: the store does not take messages, and senders get AE. Rising: Kafka is slow "
        "(acks of all in-sync replicas), or the gateway lacks CPU.",
    )
    sender_messages = count(
        "chargeline_gateway_sender_messages_total",
        "sender",
        meaning="Messages that were accepted, by the name of the sender in the file of "
        "CHARGELINE_SENDERS; without the file by the interface of the listener.",
        do="no growth while its hour of last week had some: that sender, or the network to it, is "
        "down.",
    )
    sender_heard = gauge(
        "chargeline_gateway_sender_last_message_timestamp_seconds",
        "sender",
        meaning="When a message of this sender was last accepted, in seconds since 1970. Several "
        "gateways: take max.",
        do="long ago for this hour of the week: ask who runs it; connection.refused, "
        "handshake.failed and message.refused in the log say whether it tried.",
    )
    refusals = count(
        "chargeline_gateway_refusals_total",
        "reason",
        meaning="Messages that the gateway did not store, by reason.",
        do="store_unavailable: see /readyz; the sender sends these messages again. store_full: "
        "make room for the ledger. store_too_large: raise max.message.bytes of the inbound topic. "
        "message_refused: the frame is too large (CHARGELINE_MLLP_FRAME_BYTES) or is not HL7; the "
        "log line has the code and the host. unknown_sender, application_not_allowed, "
        "facility_not_allowed, type_not_allowed, processing_id_not_allowed: the sender, or the "
        "file of CHARGELINE_SENDERS, is wrong.",
    )
