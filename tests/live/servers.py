"""Real servers for tests: Apache Kafka and PostgreSQL as child processes on free loopback ports.

This module owns how the servers are found, started, hurt and cleaned up. It knows nothing of
chargeline or of pytest. Kafka runs from its own jars, fetched from Maven Central, on this machine's
Java: one process that is broker and controller, without ZooKeeper or containers. PostgreSQL is the
server that the machine has. Each wait has a condition and a deadline. A small reaper process
outlives the test run and ends the servers that a killed run leaves behind.

A `quick` server is for tests: it starts and works faster than a server for the benchmarks, which
keeps its data on the disk. The process that starts a server may lend it to other processes. They
can use the server and cannot hurt it.
"""

import atexit
import contextlib
import fcntl
import os
import pwd
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

KAFKA_VERSION = "4.3.1"
KAFKA_VARIABLE = "CHARGELINE_TEST_KAFKA"
POSTGRES_VARIABLE = "CHARGELINE_TEST_POSTGRES"
CACHE_VARIABLE = "CHARGELINE_TEST_CACHE"

FETCH_SECONDS = 900
START_SECONDS = 200  # Kafka needs 5 s, and on a machine with ten times its load more than 120 s
STOP_SECONDS = 60
POLL_SECONDS = 0.02
LOG_TAIL_LINES = 25
# Below the ephemeral ports of every system. While a server is down, no outgoing connection can be
# given the server's port, and no client that keeps trying can end up connected to itself.
PORTS = range(15000, 32000)


# In memory no commit waits for the disk: an empty database is made in 0.05 s instead of 1 s. Data
# in memory survives the killing of the server that wrote it. Some containers have almost no
# /dev/shm, so a least size is asked for.
MEMORY = Path("/dev/shm")
MEMORY_BYTES_LEAST = 2**31


class ServerError(RuntimeError):
    """A server could not be fetched, started or used; the text says why and what to do."""


class UnsupportedError(ServerError):
    """The server belongs to somebody else: a test may use it but not stop, kill or freeze it."""


# ------------------------------------------------------------------ small helpers


def free_port() -> int:
    """A loopback port that nobody listens on, and that no outgoing connection will be given.

    The port belongs to this process until the process ends, also while the server is down: test
    runs at the same time take other ports.
    """
    for port in random.sample(PORTS, 200):
        if not _reserved(port):
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise ServerError(f"expected a free loopback port in {PORTS}, found none in 200 tries.")


_reservations: list[Any] = []


def _reserved(port: int) -> bool:
    """Reserve the port for this process; False if another test program of this user has it."""
    folder = Path(tempfile.gettempdir()) / f"chargeline-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    held = (folder / str(port)).open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        return False
    _reservations.append(held)
    return True


def memory_folder() -> Path | None:
    """A folder whose files are kept in memory; None if the machine has none with 2 GiB free."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_LEAST:
        return MEMORY
    return None


def _state(thread: Path) -> tuple[str, int]:
    """State and process group of a thread, from its file in /proc."""
    state, _parent, group = thread.read_text().rpartition(")")[2].split()[:3]
    return state, int(group)


def wait_until(ready: Callable[[], bool], seconds: float, expected: str) -> None:
    """Call `ready` again and again until it is true.

    Raises a TimeoutError that names what was expected. `ready` may raise to give up early.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected {expected} within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)


def run(command: list[str], doing: str, seconds: float = 60, **options: Any) -> None:
    """Run a tool and wait for its end; a ServerError holds the last lines that the tool wrote."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            process_group=0,
            **options,
        )
    except FileNotFoundError:
        raise ServerError(
            f"{doing}: expected the program `{command[0]}`, found none on PATH."
        ) from None
    except subprocess.TimeoutExpired:
        raise ServerError(f"{doing}: `{command[0]}` was not done after {seconds:.0f} s.") from None
    if done.returncode:
        raise ServerError(
            f"{doing}: `{command[0]}` ended with {done.returncode}.\n{tail(done.stdout)}"
        )


def tail(text: str) -> str:
    """The last 25 lines of a log, indented."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-LOG_TAIL_LINES:])


def cache_folder() -> Path:
    """The folder that keeps fetched servers between runs."""
    folder = os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "chargeline-tests"
    return Path(folder).expanduser().resolve()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file lock, so that only one of several processes fetches.

    Waits for the lock at most as long as a fetch may take.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:

        def taken() -> bool:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return False

        try:
            wait_until(
                taken, FETCH_SECONDS, f"the lock {path}, held by another process that is fetching,"
            )
        except TimeoutError as error:
            raise ServerError(str(error)) from None
        yield


def fetched(name: str, fetch: Callable[[Path], None]) -> Path:
    """The folder `name` in the cache, filled by `fetch` once.

    The folder appears under its name only when it is complete.
    """
    final = cache_folder() / name
    if not final.is_dir():
        with locked(cache_folder() / f"{name}.lock"):
            if not final.is_dir():
                for left in final.parent.glob(f"{name}.part-*"):  # a fetch that was killed
                    shutil.rmtree(left, ignore_errors=True)
                partial = Path(tempfile.mkdtemp(prefix=f"{name}.part-", dir=final.parent))
                try:
                    fetch(partial)
                    partial.chmod(0o755)
                    partial.rename(final)
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
    return final


# ------------------------------------------------------------------ a server process

# The reaper reads the id of the process that it must end, a new line after each change. Its input
# ends when the test run has ended or was killed.
REAPER = """
import os, shutil, signal, sys
pid = 0
for line in sys.stdin:
    pid = int(line)
if pid:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        print("already gone", file=sys.stderr)
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


class LocalServer:
    """A server that is a child process in a group of its own.

    The server keeps its folder and its port until `close`, over every restart.
    """

    title = "server"
    stop_signal = signal.SIGTERM
    user: str | None = None  # the system user that runs the server; None for our own user

    def __init__(self, *, quick: bool = False) -> None:
        self.quick = quick
        parent = memory_folder() if quick else None
        self.folder = Path(tempfile.mkdtemp(prefix=f"chargeline-{self.title.lower()}-", dir=parent))
        self.port = free_port()
        self.log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared = False
        self._frozen = False
        self._reaper = subprocess.Popen(
            [sys.executable, "-S", "-c", REAPER, str(self.folder)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd="/",
            start_new_session=True,
        )
        self._owner = os.getpid()
        atexit.register(self.close)

    # What each kind of server defines: its folder, its command, and how to see that it answers.

    def prepare(self) -> None:
        """Fill the folder before the first start; called once."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """The command line of the server; the server must stay in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """True when the server serves a client."""
        raise NotImplementedError

    def children(self) -> list[int]:
        """Ids of the server's processes besides the main process."""
        return []

    # The life of a server.

    @property
    def running(self) -> bool:
        """True while the main process exists, frozen or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start on the same port and data as before, and return when the server answers."""
        if self.running:
            return
        if not self._prepared:
            self.prepare()
            self._prepared = True
        deadline = time.monotonic() + START_SECONDS
        while not self._started(deadline):
            time.sleep(POLL_SECONDS)

    def _started(self, deadline: float) -> bool:
        """Try once to start; False if the server gave up for a reason that passes by itself."""
        with self.log.open("ab") as log:
            begin = log.tell()
            self._process = process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=clean_environment(),
                process_group=0,
                **run_as(self.user),
            )
        self._tell_reaper(process.pid)
        try:
            wait_until(
                lambda: process.poll() is not None or self.answers(),
                max(1.0, deadline - time.monotonic()),
                f"{self.title} to answer on port {self.port}",
            )
        except TimeoutError as error:
            words = self.words(begin)
            self.kill()
            raise ServerError(f"{error}; the server's log ends with:\n{words}") from None
        if process.poll() is None:
            return True
        self._ended()
        if self.gave_up_in_passing(self.log.read_bytes()[begin:]) and time.monotonic() < deadline:
            return False
        raise ServerError(
            f"{self.title} ended with {process.returncode} before it answered on port {self.port}; "
            f"its log ends with:\n{self.words(begin)}"
        )

    def gave_up_in_passing(self, log: bytes) -> bool:
        """True if a start whose log holds these bytes is worth another try."""
        return False

    def words(self, begin: int = 0) -> str:
        """The last lines that the server logged."""
        return tail(self.log.read_bytes()[begin:].decode(errors="replace")) or "    (nothing)"

    def stop(self) -> None:
        """End the server in an orderly way; a server that takes longer than 60 s is killed."""
        process = self._process
        if process is None or not self.running:
            return
        self.thaw()
        process.send_signal(self.stop_signal)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError(
                f"{self.title} did not stop within {STOP_SECONDS} s and was killed; "
                f"its log ends with:\n{self.words()}"
            ) from None
        self._ended()

    def kill(self) -> None:
        """End the server at once, as a crash would (SIGKILL to all of its processes)."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(STOP_SECONDS)
        self._ended()

    def restart(self) -> None:
        """Stop and start, on the same port and data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Halt every process of the server (SIGSTOP): connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)
        self._frozen = True
        wait_until(self._is_halted, STOP_SECONDS, f"every thread of {self.title} to halt")

    def _is_halted(self) -> bool:
        """Whether every thread has halted: a signal takes a moment to reach all of them.

        Only Linux tells; elsewhere the answer is always yes.
        """
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # the process has ended
                states = [_state(thread) for thread in process.glob("task/*/stat")]
                if any(
                    group == self._process_group() and state not in "TZX" for state, group in states
                ):
                    return False
        return True

    def _process_group(self) -> int:
        return self._process.pid if self._process is not None else -1

    def thaw(self) -> None:
        """Let a frozen server go on (SIGCONT); does no harm to a server that is not frozen."""
        self._signal(signal.SIGCONT)
        self._frozen = False

    def heal(self) -> None:
        """Make the server run and answer again, whatever a test did to it.

        A frozen server is stopped and started. A Kafka that was frozen for longer than its session
        would not do: it lists itself when it goes on, then its controller removes it, and only
        later the controller registers it again.
        """
        if self._frozen:
            self.stop()
        self.start()
        wait_until(self.answers, START_SECONDS, f"{self.title} to answer on port {self.port}")

    def close(self) -> None:
        """End the server and remove its folder; the server cannot be started afterwards."""
        if os.getpid() != self._owner:  # the end of a forked child leaves the server running
            return
        atexit.unregister(self.close)
        try:
            self.stop()
        finally:
            if self._reaper.stdin and not self._reaper.stdin.closed:
                with contextlib.suppress(BrokenPipeError):
                    self._reaper.stdin.close()
                self._reaper.wait(STOP_SECONDS)

    def _signal(self, number: int) -> None:
        if self._process is None or not self.running:
            return
        others = self.children()  # asked now: when the main process dies, they lose their parent
        os.killpg(self._process.pid, number)
        for pid in others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _ended(self) -> None:
        self._tell_reaper(0)

    def _tell_reaper(self, pid: int) -> None:
        assert self._reaper.stdin is not None
        self._reaper.stdin.write(f"{pid}\n")
        self._reaper.stdin.flush()


def children_of(parent: int) -> list[int]:
    """Ids of the direct children of a process, read from /proc: small images have no `ps`."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True)
        numbers = [int(word) for word in listed.stdout.split()]
        return [
            pid for pid, above in zip(numbers[::2], numbers[1::2], strict=True) if above == parent
        ]
    children = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # the process ended while we looked
            _name, _, rest = entry.read_text(errors="replace").rpartition(")")
            if int(rest.split()[1]) == parent:
                children.append(int(entry.parent.name))
    return children


def clean_environment() -> dict[str, str]:
    """Our environment without the variables that change how Java or PostgreSQL programs behave."""
    unwanted = ("PG", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


def run_as(user: str | None) -> dict[str, Any]:
    """The options with which subprocess runs a program as that user; None for our own user."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


# ------------------------------------------------------------------ Kafka

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>chargeline.tests</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{KAFKA_VERSION}</version>
      <exclusions>
        <!-- only compilers of Scala macros need it -->
        <exclusion><groupId>org.scala-lang</groupId><artifactId>scala-reflect</artifactId></exclusion>
      </exclusions>
    </dependency>
    <!-- the commands that Kafka's scripts run, such as kafka-transactions.sh -->
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka-tools</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
    <!-- without a logger a broker that cannot start says nothing -->
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""
COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

SASL_USER = "chargeline"
SASL_PASSWORD = "correct-horse"
SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

KAFKA_SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners={listeners},LOST://127.0.0.1:{lost},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners},LOST://127.0.0.1:{nowhere}
listener.security.protocol.map=CLIENT:PLAINTEXT,LOGIN:SASL_PLAINTEXT,SECURE:SASL_SSL,MUTUAL:SSL,\
LOST:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
log.dirs={data}

listener.name.login.sasl.enabled.mechanisms={mechanisms}
listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \
required user_{user}="{password}";
listener.name.login.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.login.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;

listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.both
ssl.truststore.type=PEM
ssl.truststore.location={folder}/authority.pem
listener.name.mutual.ssl.client.auth=required

# what a test expects: no topic appears, no message expires and no group waits by itself
auto.create.topics.enable=false
log.retention.ms=-1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500

# one broker
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
auto.leader.rebalance.enable=false

# small and fast; after a crash the next start waits until the dead broker's session is over, 3 s
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=2097152
broker.heartbeat.interval.ms=100
broker.session.timeout.ms=3000
"""


def fetch_kafka(folder: Path) -> None:
    """Fetch the jars that Kafka's server needs from Maven Central into the folder."""
    pom = folder / "pom.xml"
    pom.write_text(POM, encoding="utf-8")
    settings = [
        f"-DoutputDirectory={folder}",
        "-DincludeScope=runtime",
        "-Dmdep.useRepositoryLayout=false",
    ]
    run(
        [
            "mvn",
            "-q",
            "-B",
            "-ntp",
            "-C",
            "-Dstyle.color=never",
            "-f",
            str(pom),
            *settings,
            COPY_DEPENDENCIES,
        ],
        f"fetching Kafka {KAFKA_VERSION} from Maven Central, or from the mirror that Maven's own "
        "settings name",
        FETCH_SECONDS,
    )
    if not (folder / f"kafka_2.13-{KAFKA_VERSION}.jar").is_file():
        jars = ", ".join(sorted(p.name for p in folder.glob("*.jar"))) or "no jar"
        raise ServerError(
            f"fetching Kafka: expected the jar of kafka_2.13-{KAFKA_VERSION}, found {jars}."
        )


def kafka_classes() -> str:
    """The class path of Kafka's server and of its tools."""
    return f"{fetched(f'kafka-{KAFKA_VERSION}-with-tools', fetch_kafka)}/*"


def java() -> str:
    """The Java program that runs Kafka: that of JAVA_HOME, else the one on PATH."""
    home = os.environ.get("JAVA_HOME")
    program = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if program is None:
        raise ServerError("Kafka: expected Java 17 or newer on PATH or in JAVA_HOME, found none.")
    return program


def make_certificates(folder: Path) -> None:
    """Make an authority, a certificate of a server at 127.0.0.1 and one of a client.

    Each is a NAME.pem with its NAME.key.
    """
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    ours = ("-CA", str(folder / "authority.pem"), "-CAkey", str(folder / "authority.key"))
    for name in ("authority", "server", "client"):
        key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
        signed = () if name == "authority" else (*ours, "-addext", "subjectAltName=IP:127.0.0.1")
        run(
            [
                *("openssl", "req", "-x509", *new, "-subj", f"/CN=chargeline test {name}", *signed),
                *("-keyout", str(key), "-out", str(certificate)),
            ],
            f"making the certificate of the {name}",
        )
    both = (folder / "server.key").read_text() + (folder / "server.pem").read_text()
    (folder / "server.both").write_text(both, encoding="utf-8")


class KafkaListeners:
    """The addresses of a Kafka with five listeners.

    `bootstrap` asks for nothing. `sasl_bootstrap` asks for a password, `secure_bootstrap` for a
    password over TLS, `mutual_bootstrap` for a client's certificate over TLS. `lost_bootstrap`
    sends its clients to an address where nobody listens.
    """

    folder: Path
    port: int
    sasl_port: int
    secure_port: int
    mutual_port: int
    lost_port: int

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def sasl_bootstrap(self) -> str:
        """`host:port` of the listener with SASL_PLAINTEXT, for SASL_USER and SASL_PASSWORD."""
        return f"127.0.0.1:{self.sasl_port}"

    @property
    def secure_bootstrap(self) -> str:
        """`host:port` of the listener with SASL_SSL: SCRAM-SHA-512, SASL_USER and SASL_PASSWORD."""
        return f"127.0.0.1:{self.secure_port}"

    @property
    def mutual_bootstrap(self) -> str:
        """`host:port` of the listener with SSL that asks for a client's certificate."""
        return f"127.0.0.1:{self.mutual_port}"

    @property
    def lost_bootstrap(self) -> str:
        """`host:port` of the listener that sends its clients to where nobody listens."""
        return f"127.0.0.1:{self.lost_port}"

    def tls_file(self, name: str) -> Path:
        """The path of `authority.pem`, `client.pem` or `client.key`."""
        return self.folder / name


class KafkaServer(KafkaListeners, LocalServer):
    """One Kafka process, broker and controller; `settings` replace those of KAFKA_SETTINGS."""

    title = "Kafka"

    def __init__(self, *, quick: bool = False, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(quick=quick)
        self.sasl_port = free_port()
        self.secure_port = free_port()
        self.mutual_port = free_port()
        self.lost_port = free_port()
        self._controller_port = free_port()
        self._settings = dict(settings or {})

    def lent(self) -> "LentKafka":
        """What another process may use of this server."""
        return LentKafka(self)

    def prepare(self) -> None:
        """Fetch the jars unless they are cached, write the settings, format the data folder."""
        make_certificates(self.folder)
        ports = {
            "CLIENT": self.port,
            "LOGIN": self.sasl_port,
            "SECURE": self.secure_port,
            "MUTUAL": self.mutual_port,
        }
        settings = self.folder / "server.properties"
        settings.write_text(
            KAFKA_SETTINGS.format(
                listeners=",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items()),
                lost=self.lost_port,
                nowhere=free_port(),
                folder=self.folder,
                controller=self._controller_port,
                data=self.folder / "data",
                mechanisms=",".join(SASL_MECHANISMS),
                user=SASL_USER,
                password=SASL_PASSWORD,
            )
            # Of two lines with one name Kafka takes the last.
            + "".join(f"{name}={value}\n" for name, value in self._settings.items()),
            encoding="utf-8",
        )
        scram = [
            f"{name}=[name={SASL_USER},password={SASL_PASSWORD}]" for name in SASL_MECHANISMS[1:]
        ]
        run(
            [
                *self._java("kafka.tools.StorageTool"),
                *("format", "--standalone", "--cluster-id", "chargeline-test-servers", "--config"),
                *(str(settings), *(word for user in scram for word in ("--add-scram", user))),
            ],
            "formatting Kafka's data folder",
            env=clean_environment(),
        )

    def command(self) -> list[str]:
        """Kafka's server class on the settings."""
        return [*self._java("kafka.Kafka"), str(self.folder / "server.properties")]

    def _java(self, main: str) -> list[str]:
        logging = "-Dorg.slf4j.simpleLogger."
        return [
            *(java(), "-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
            # The optimizing compiler pays after minutes only, and costs half of a start.
            *(["-XX:TieredStopAtLevel=1"] if self.quick else []),
            *(f"{logging}defaultLogLevel=warn", f"{logging}showDateTime=true"),
            *(f"{logging}dateTimeFormat=HH:mm:ss.SSS", f"{logging}log.kafka=info"),
            *("-Djava.awt.headless=true", "-cp", kafka_classes(), main),
        ]

    def listens(self) -> bool:
        """True when Kafka's port is open, a moment before Kafka answers."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=2),
        ):
            return True
        return False

    def answers(self) -> bool:
        """True when the broker lists itself; before that it listens but knows no topic."""
        # Metadata request, version 1, for no topics: key, version, correlation, client, topics
        request = struct.pack(">hhih5si", 3, 1, 1, 5, b"probe", 0)
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(struct.pack(">i", len(request)) + request)
                with connection.makefile("rb") as answer:
                    _size, _correlation, brokers = struct.unpack(">iii", answer.read(12))
        except (OSError, struct.error):
            return False
        return bool(brokers)


# ------------------------------------------------------------------ PostgreSQL

POSTGRES_USER = "chargeline"
PASSWORD_ROLE = "with_password"
POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A quick PostgreSQL keeps all of its data below its folder, and so little that memory holds it.
POSTGRES_IN_MEMORY = {"max_wal_size": "128MB", "dynamic_shared_memory_type": "mmap"}
# A wheel that carries PostgreSQL 16, for machines where apt-get cannot install one.
BUNDLED = "pgserver==0.1.4"


def installed_binaries() -> Path | None:
    """The folder of the newest PostgreSQL server on this machine; None if there is no server."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    on_path = shutil.which("postgres")
    folders = [*reversed(debian), *([Path(on_path).resolve().parent] if on_path else [])]
    needed = ("postgres", "initdb", "psql")
    return next((f for f in folders if all((f / name).is_file() for name in needed)), None)


def can_install() -> bool:
    """Whether we may install a package of Debian."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_with_apt(package: str, is_there: Callable[[], object]) -> None:
    """Install a package of Debian, unless another process did so meanwhile. That of PostgreSQL also
    makes a cluster, which the tests do not use.
    """
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    doing = f"installing {package}"
    with locked(cache_folder() / "apt.lock"):
        if is_there():
            return
        print(f"tests/live: installing the package `{package}` with apt-get", file=sys.stderr)
        run(["apt-get", "update", "-qq"], doing, FETCH_SECONDS, env=quiet)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        run(install, doing, FETCH_SECONDS, env=quiet)


def fetch_bundled(folder: Path) -> None:
    """Unpack the wheel that carries PostgreSQL into the folder."""
    print(f"tests/live: fetching {BUNDLED}, which carries PostgreSQL, with pip", file=sys.stderr)
    environment = {name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"}
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
        "install",
        "--no-deps",
    ]
    run(
        [*pip, "--target", str(folder), BUNDLED],
        "fetching PostgreSQL",
        FETCH_SECONDS,
        env=environment,
    )


def postgres_binaries() -> Path:
    """The folder of PostgreSQL's programs.

    They are those of this machine; else root installs them with apt-get, others fetch a wheel.
    """
    if binaries := installed_binaries():
        return binaries
    if can_install():
        install_with_apt("postgresql", installed_binaries)
        if binaries := installed_binaries():
            return binaries
    try:
        folder = fetched(BUNDLED.replace("==", "-"), fetch_bundled)
    except ServerError as error:
        raise ServerError(
            "PostgreSQL: expected its server (postgres, initdb and psql) in /usr/lib/postgresql "
            f"or on PATH, found none. Install it, or name a server in {POSTGRES_VARIABLE}. "
            f"{error}"
        ) from None
    return folder / "pgserver" / "pginstall" / "bin"


def copied(binaries: Path, folder: Path) -> Path:
    """Copy the bundled programs with their libraries, which they find by a relative path."""
    package = binaries.parents[2]
    shutil.copytree(package, folder, symlinks=True)
    return folder / binaries.relative_to(package)


def unprivileged_user() -> str | None:
    """The user that runs PostgreSQL, which refuses to run as root; None if we are not root."""
    if os.geteuid() != 0:
        return None
    users = {entry.pw_name for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in ("postgres", "nobody"):
        if name in users:
            return name
    raise ServerError(
        "PostgreSQL will not run as root: expected a user `postgres` or `nobody`, found none."
    )


class PostgresDatabases:
    """Makes and drops databases of a PostgreSQL; `dsn` is the URL of one that is always there."""

    dsn: str
    _binaries: Path

    def create_database(self, name: str) -> str:
        """Make an empty database; returns its URL."""
        psql(self._binaries, self.dsn, f'CREATE DATABASE "{plain(name)}"')
        return urlsplit(self.dsn)._replace(path=f"/{name}").geturl()

    def drop_database(self, name: str) -> None:
        """Remove a database, and end the connections that are still open to it."""
        psql(self._binaries, self.dsn, f'DROP DATABASE IF EXISTS "{plain(name)}" WITH (FORCE)')


class PostgresServer(PostgresDatabases, LocalServer):
    """One PostgreSQL that trusts every loopback client and flushes each commit to the disk.

    Members of a role PASSWORD_ROLE need their password.
    """

    title = "PostgreSQL"
    stop_signal = signal.SIGINT  # PostgreSQL's "fast" stop does not wait for clients to leave

    def __init__(self, *, quick: bool = False) -> None:
        self.user = unprivileged_user()
        super().__init__(quick=quick)
        self.dsn = f"postgresql://{POSTGRES_USER}@127.0.0.1:{self.port}/postgres"
        self._binaries = Path()

    def lent(self) -> "LentPostgres":
        """What another process may use of this server."""
        return LentPostgres(self)

    def prepare(self) -> None:
        """Find or fetch the programs, and make the data folder."""
        self._binaries = postgres_binaries()
        if self.user:
            if self._binaries.is_relative_to(cache_folder()):  # which another user may not enter
                self._binaries = copied(self._binaries, self.folder / "programs")
            owner = pwd.getpwnam(self.user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        words = [
            "--username",
            POSTGRES_USER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
        ]
        run(
            [str(self._binaries / "initdb"), *words, "--no-sync", "-D", str(self.folder / "data")],
            "making PostgreSQL's data folder",
            cwd=self.folder,
            env=clean_environment(),
            **run_as(self.user),
        )
        access = self.folder / "data" / "pg_hba.conf"
        asked = f"host all +{PASSWORD_ROLE} 127.0.0.1/32 scram-sha-256\n"
        access.write_text(asked + access.read_text(encoding="utf-8"), encoding="utf-8")

    def command(self) -> list[str]:
        """The command of the postmaster, in the foreground."""
        settings = {
            "port": str(self.port),
            **POSTGRES_SETTINGS,
            **(POSTGRES_IN_MEMORY if self.quick else {}),
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._binaries / "postgres"), "-D", str(self.folder / "data"), *words]

    def answers(self) -> bool:
        """True when PostgreSQL answers a query."""
        with contextlib.suppress(ServerError):
            psql(self._binaries, self.dsn, "SELECT 1", connect_seconds=2)
            return True
        return False

    def children(self) -> list[int]:
        """The backends.

        Each backend leads a process group of its own, which a signal to the server's process group
        does not reach.
        """
        assert self._process is not None
        return children_of(self._process.pid)

    def gave_up_in_passing(self, log: bytes) -> bool:
        """After a crash a backend may need a moment to notice, and holds the shared memory."""
        return b"pre-existing shared memory block" in log


def plain(name: str) -> str:
    """The name of a database, checked to need no quoting in SQL or in a URL."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ServerError(
            f"expected a database name of small letters, digits and _, found `{name}`."
        )
    return name


def psql(binaries: Path, dsn: str, statement: str, connect_seconds: int = 60) -> None:
    """Run one statement with psql, PostgreSQL's own client, so that this module needs no driver."""
    words = [
        "--no-psqlrc",
        "--no-password",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--command",
        statement,
        dsn,
    ]
    run(
        [str(binaries / "psql"), *words],
        f"asking PostgreSQL to {statement.split()[0]}",
        START_SECONDS,
        cwd="/",
        env={**clean_environment(), "PGCONNECT_TIMEOUT": str(connect_seconds)},
    )


# ------------------------------------------------------------------ servers that somebody else runs


class BorrowedServer:
    """A server that belongs to somebody else: a test may use it, and not stop or hurt it."""

    title = "server"

    def _refuse(self, action: str) -> None:
        """Raise a ServerError that says why not, and what to do."""
        raise NotImplementedError

    def stop(self) -> None:
        """Refused."""
        self._refuse("stop")

    def kill(self) -> None:
        """Refused."""
        self._refuse("kill")

    def restart(self) -> None:
        """Refused."""
        self._refuse("restart")

    def freeze(self) -> None:
        """Refused."""
        self._refuse("freeze")

    def thaw(self) -> None:
        """Refused."""
        self._refuse("thaw")

    def heal(self) -> None:
        """Nothing to do: nobody hurt the server."""

    def start(self) -> None:
        """Nothing to do: the server runs."""

    def close(self) -> None:
        """Nothing to do: whoever started the server ends it."""


class LentServer(BorrowedServer):
    """A server that the tests of several workers use at the same time.

    The keeper starts the server and ends it (`keeper.py`).
    """

    def _refuse(self, action: str) -> None:
        raise ServerError(
            f"{action} {self.title}: not possible, other tests use the server at this moment. "
            f'Mark the test with `pytest.mark.hurts("{self.title.lower()}")`, '
            "and the test gets a server of its own."
        )


class LentKafka(KafkaListeners, LentServer):
    """A Kafka that another process started."""

    title = "Kafka"

    def __init__(self, kept: KafkaListeners) -> None:
        for name in KafkaListeners.__annotations__:
            setattr(self, name, getattr(kept, name))


class LentPostgres(PostgresDatabases, LentServer):
    """A PostgreSQL that another process started."""

    title = "PostgreSQL"

    def __init__(self, kept: PostgresDatabases) -> None:
        self.dsn = kept.dsn
        self._binaries = kept._binaries


class ExternalServer(BorrowedServer):
    """A server named in the environment."""

    variable = ""

    def _refuse(self, action: str) -> None:
        raise UnsupportedError(
            f"{action} {self.title}: not possible with the server that {self.variable} names. "
            "Unset the variable to let the tests start their own."
        )


class ExternalKafka(ExternalServer):
    """The Kafka at the bootstrap address in CHARGELINE_TEST_KAFKA, without a password."""

    title = "Kafka"
    variable = KAFKA_VARIABLE

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    @property
    def sasl_bootstrap(self) -> str:
        """Refused: the tests know no password of such a server."""
        self._refuse("log in at")
        raise AssertionError("unreachable")

    secure_bootstrap = mutual_bootstrap = lost_bootstrap = sasl_bootstrap

    def tls_file(self, _name: str) -> Path:
        """Refused: the tests have no certificates of such a server."""
        self._refuse("log in at")
        raise AssertionError("unreachable")

    def start(self) -> None:
        """Check that somebody listens there."""
        host, _, port = self.bootstrap.split(",")[0].rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except (OSError, ValueError) as error:
            raise ServerError(
                f"expected Kafka at the `host:port` in {self.variable}, `{self.bootstrap}`, "
                f"found: {error}"
            ) from None


class ExternalPostgres(PostgresDatabases, ExternalServer):
    """The PostgreSQL at the URL in CHARGELINE_TEST_POSTGRES, whose user may create databases."""

    title = "PostgreSQL"
    variable = POSTGRES_VARIABLE

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._binaries = Path()

    def start(self) -> None:
        """Check that the server answers; needs the program psql on this machine."""
        if urlsplit(self.dsn).scheme not in {"postgresql", "postgres"}:
            raise ServerError(f"expected a URL that starts with postgresql:// in {self.variable}.")
        client = shutil.which("psql")
        self._binaries = Path(client).parent if client else (installed_binaries() or Path())
        try:
            psql(self._binaries, self.dsn, "SELECT 1")
        except ServerError as error:
            raise ServerError(
                f"expected PostgreSQL at the URL in {self.variable}. {error}"
            ) from None


Kafka = KafkaServer | LentKafka | ExternalKafka
Postgres = PostgresServer | LentPostgres | ExternalPostgres


def kafka_server(
    *, quick: bool = False, settings: Mapping[str, str] | None = None
) -> KafkaServer | ExternalKafka:
    """The Kafka that CHARGELINE_TEST_KAFKA names, else a new one, not yet started."""
    bootstrap = os.environ.get(KAFKA_VARIABLE)
    return ExternalKafka(bootstrap) if bootstrap else KafkaServer(quick=quick, settings=settings)


def postgres_server(*, quick: bool = False) -> PostgresServer | ExternalPostgres:
    """The PostgreSQL that CHARGELINE_TEST_POSTGRES names, else a new one, not yet started."""
    dsn = os.environ.get(POSTGRES_VARIABLE)
    return ExternalPostgres(dsn) if dsn else PostgresServer(quick=quick)
