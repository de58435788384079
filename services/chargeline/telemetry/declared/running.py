"""Whether a program runs, which one it is, and what it needs of the machine.

Every program has these metrics.
"""

from chargeline.telemetry.declaring import gauge, info
from chargeline.telemetry.instruments import Definition

# What prometheus-client tells of the process, under the names that all its users know.
PROCESS = (
    Definition(
        name="process_cpu_seconds_total",
        kind="counter",
        labels=(),
        meaning="CPU time that the process has used.",
        do="near 1 core all the time: a program uses one core; start more captures, up to the "
        "number of partitions.",
    ),
    Definition(
        name="process_resident_memory_bytes",
        kind="gauge",
        labels=(),
        meaning="Memory that the process holds.",
        do="grows for days: report it, with the number of open visits. Near the limit of the pod: "
        "raise the limit; docs/live-service.md says what takes memory.",
    ),
    Definition(
        name="process_open_fds",
        kind="gauge",
        labels=(),
        meaning="Files and sockets that the process has open.",
        do="near process_max_fds: a sender opens connections and does not close them, or the "
        "limit is too low (ulimit -n).",
    ),
    Definition(
        name="process_start_time_seconds",
        kind="gauge",
        labels=(),
        meaning="When the process started, in seconds since 1970.",
        do="changes often: the program ends again and again; its last line of the log says why.",
    ),
)


class RunningMetrics:
    """Whether a program runs, which one it is, and what it needs of the machine."""

    up = gauge(
        "chargeline_up",
        meaning="1 while the program runs.",
        do="if it is absent, the process has ended or the scrape fails: look at the pod and its "
        "last log lines.",
    )
    ready = gauge(
        "chargeline_ready",
        meaning="1 when the program can do its work, 0 while something that it needs is missing.",
        do="/readyz lists the reasons. Minutes after a start the reason is a wrong setting or a "
        "server that is down.",
    )
    build = info(
        "chargeline_build_info",
        "program",
        "version",
        meaning="The program that runs, and its version.",
        do="two versions for longer than a roll-out takes: the roll-out is stuck.",
    )

    kafka_certificate_left = gauge(
        "chargeline_kafka_certificate_left_seconds",
        meaning="Seconds until our client certificate for Kafka ends, below 0 when it has ended; "
        "NaN without one.",
        do="below 2592000, which is 30 days: replace the files of "
        "CHARGELINE_KAFKA_TLS_CERTIFICATE_FILE and _KEY_FILE; new connections use them without a "
        "restart.",
    )
