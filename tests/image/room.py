"""Plays a Dockerfile in a plain folder: its steps run in a root of their own, without an engine.

This module owns the root of a stage: an overlay over what stands in for the base image (the /usr
and /etc of this machine, with the Python that the Dockerfile names at /usr/local) in a mount
namespace of its own. What a stage writes stays in its folder and never reaches this machine. It
knows nothing of chargeline. Only root may do so, on Linux; `why_not` says so elsewhere.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.image.dockerfile import Instruction, Stage
from tests.live.servers import ServerError, tail

STEP_SECONDS = 900
CACHED = {"/var/cache/pip": Path.home() / ".cache/pip"}  # where this machine has such a cache
OVERLAID = ("usr", "usr/local", "etc")


class Account(NamedTuple):
    """Who runs a command: user and group by number."""

    user: int = 0
    group: int = 0


def why_not(version: str) -> str:
    """Why no Dockerfile with this Python can be played here; "" if one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "playing the image needs mounts and chroot: Linux, and root"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode:
        return (
            f"playing the image needs a mount namespace, which is refused: {tried.stderr.strip()}"
        )
    if not prefix_of(version):
        return f"playing the image needs Python {version}, which the Dockerfile names, on PATH"
    return ""


@cache
def prefix_of(version: str) -> str:
    """Where the Python of this version, such as 3.12, is installed on this machine; "" if none."""
    asked = "import sys; print('%d.%d' % sys.version_info[:2], sys.base_prefix)"
    for name in (f"python{version}", sys.executable):
        # pyenv puts one name on PATH for all its Pythons, and this variable says which.
        environment = {**os.environ, "PYENV_VERSION": version}
        if not shutil.which(name):
            continue
        told = subprocess.run(
            [name, "-c", asked], env=environment, capture_output=True, text=True, check=False
        )
        if told.returncode == 0 and told.stdout.split()[0] == version:
            return told.stdout.split(None, 1)[1].strip()
    return ""


class Room:
    """The root of one stage, in a folder; its programs see nothing else of the disk.

    `environment`, `folder` and `account` are those of the next command, as ENV, WORKDIR and USER
    left them.
    """

    def __init__(self, place: Path, version: str) -> None:
        self.place = place
        self.prefix = prefix_of(version)
        self.environment = {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.folder = "/"
        self.account = Account()
        self.volumes: dict[str, Path] = {}
        self.tree = place / "tree"
        self.own = place / "own"  # what the stage itself wrote, by the path below the root
        for folder in (self.tree, self.own / "root", *(self.own / name for name in OVERLAID)):
            folder.mkdir(parents=True)
        for name in (*OVERLAID, "root"):
            (place / "aside" / name.replace("/", "-")).mkdir(parents=True)
        self._skeleton()

    def _skeleton(self) -> None:
        base = self.place / "base"
        for name in ("usr", "etc", "dev", "proc", "root", "tmp", "var/lib"):
            (base / name).mkdir(parents=True)
        base.chmod(0o755)
        (base / "tmp").chmod(0o1777)
        for name in ("bin", "sbin", "lib", "lib64"):
            if (there := Path("/", name)).is_symlink():
                (base / name).symlink_to(there.readlink())
        (base / self.prefix.lstrip("/")).mkdir(parents=True, exist_ok=True)

    # ------------------------------------------------------------------ the steps of a stage

    def play(self, stage: Stage, context: Path, others: Mapping[str, "Room"]) -> None:
        """Carry out a stage with the files of a context. Raises ServerError."""
        for instruction in stage.instructions:
            kind, options, text = instruction
            if kind == "RUN":
                self._run(text, options.get("mount", ""))
            elif kind == "COPY":
                self._copy(instruction, context, others)
            elif kind == "ENV":
                for name, value in instruction.pairs.items():
                    path = self.environment["PATH"]
                    self.environment[name] = value.replace("$PATH", path)
            elif kind == "WORKDIR":
                self._must("mkdir", "-p", text)
                self.folder = text
            elif kind == "USER":
                self.account = Account(*map(int, text.split(":")))
        # What it leaves out says how the image is started, which `command` and the tests read.

    def _run(self, text: str, mount: str) -> None:
        cache = re.fullmatch(r"type=cache,target=(\S+)", mount)
        assert not mount or cache, f"expected a cache as a mount, found {mount!r}"
        beside = {}
        if cache and (ours := CACHED.get(cache[1])) and ours.is_dir():
            beside[cache[1]] = ours
        # Which index, proxy and certificates pip uses is no part of the image.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name.startswith("PIP_") or name.lower().endswith("_proxy")
        }
        self._must("/bin/sh", "-c", text, beside=beside, environment=inherited)

    def _copy(self, instruction: Instruction, context: Path, others: Mapping[str, "Room"]) -> None:
        *sources, target = instruction.words
        to = self.own / "root" / os.path.normpath(f"{self.folder}/{target}").lstrip("/")
        if target.startswith("/"):
            to = self.own / "root" / target.lstrip("/")
        for source in sources:
            if "from" in instruction.options:
                of = others[instruction.options["from"]].own / "root" / source.lstrip("/")
            else:
                of = context / source
            place = to / of.name if target.endswith("/") else to
            place.parent.mkdir(parents=True, exist_ok=True)
            if of.is_dir():
                shutil.copytree(of, place, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy2(of, place)

    def _must(self, *words: str, beside: Mapping[str, Path] | None = None,
              environment: Mapping[str, str] | None = None) -> None:  # fmt: skip
        done = subprocess.run(
            self.command(words, beside=beside or {}, environment=environment or {}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=STEP_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ServerError(
                f"{shlex.join(words)} ended with {done.returncode}\n{tail(done.stdout)}"
            )

    # ------------------------------------------------------------------ a command in the root

    def command(
        self,
        words: Sequence[str],
        *,
        read_only: bool = False,
        beside: Mapping[str, Path] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> list[str]:
        """The command line that runs these words in the root, as ENV, WORKDIR and USER say.

        It becomes the program itself, without a process between. `read_only` makes all but the
        volumes unwritable, and takes every privilege.
        """
        tree, account = shlex.quote(str(self.tree)), self.account
        script = [*self._mounts(read_only, {**self.volumes, **(beside or {})})]
        names = {**self.environment, **(environment or {})}
        inner = ["/usr/bin/env", "-i", f"--chdir={self.folder}"]
        inner += [f"{name}={value}" for name, value in names.items()]
        if read_only:
            inner = [
                "/usr/bin/setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
                f"--reuid={account.user}", f"--regid={account.group}", "--clear-groups", *inner,
            ]  # fmt: skip
        script.append(f"exec chroot {tree} {shlex.join([*inner, *words])}")
        return [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "/bin/sh",
            "-ec",
            "\n".join(script),
        ]

    def _mounts(self, read_only: bool, beside: Mapping[str, Path]) -> Iterator[str]:
        tree, place = shlex.quote(str(self.tree)), shlex.quote(str(self.place))

        def overlay(lower: str, name: str, at: str) -> str:
            aside = name.replace("/", "-")
            layers = f"lowerdir={lower},upperdir={place}/own/{name},workdir={place}/aside/{aside}"
            if read_only:  # nothing above the layers: nothing can be written
                layers = f"lowerdir={place}/own/{name}:{lower}"
            return f"mount -t overlay overlay -o {layers} {tree}/{at}"

        yield overlay(f"{place}/base", "root", "")
        yield overlay("/usr", "usr", "usr")
        yield overlay("/etc", "etc", "etc")
        if self.prefix != "/usr":
            yield overlay(shlex.quote(self.prefix), "usr/local", "usr/local")
            yield f"mount --bind -o ro {shlex.quote(self.prefix)} {tree}{shlex.quote(self.prefix)}"
        for name in ("bin", "sbin", "lib", "lib64"):
            if not (there := Path("/", name)).is_symlink() and there.is_dir():
                yield f"mkdir -p {tree}/{name} && mount --bind -o ro /{name} {tree}/{name}"
        yield f"mount --rbind /dev {tree}/dev && mount --rbind /proc {tree}/proc"
        for at, folder in beside.items():
            self._make_point(at)
            yield f"mount --bind {shlex.quote(str(folder))} {shlex.quote(f'{self.tree}{at}')}"

    def _make_point(self, at: str) -> None:
        """Make the folder on which something is mounted, as an engine does."""
        top = at.split("/")[1]
        layer, below = (top, at[len(top) + 2 :]) if top in OVERLAID else ("root", at[1:])
        if not (self.place / "base" / at[1:]).is_dir():
            (self.own / layer / below).mkdir(parents=True, exist_ok=True)


def context_of(repository: Path, to: Path) -> Path:
    """What an engine is sent: the tracked and untracked files that .dockerignore lets in."""
    lines = (repository / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listing.stdout.split("\0")):
        if (repository / name).is_file() and _let_in(name, rules):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, to / name)
    return to


def _let_in(name: str, rules: Sequence[str]) -> bool:
    """Whether the last rule that matches the path, or a folder above it, takes it in."""
    inside = True
    for rule in rules:
        pattern = re.escape(rule.lstrip("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{pattern}(/.*)?", name):
            inside = rule.startswith("!")
    return inside
