"""The tidy test: it reads the repository and enforces the house rules.

It owns the import order and the size, purity and hygiene rules of `services/`, as tables at the
top. It knows source text only: it runs none of the code that it judges. Each checker takes one
module and gives back its objections, so that the second half of this file can prove that every
checker bites.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = Path("services/chargeline")
THIS_FILE = "tests/test_tidy.py"

FUNCTION_LINES_MOST = 60
FILE_LINES_MOST = 400
POSITIONAL_MOST = 4
# These take any number of values of one kind, or a moment as everybody writes it.
TAKE_MANY = {
    "Table",
    "PrimaryKeyConstraint",
    "create_table",
    "add_row",
    "again",
    "datetime",
    "_hashed",
    "_until_drained",
}
DOCSTRING_SENTENCES_LEAST = 2
VAGUE_NAMES = {"each", "found", "known", "made"}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
# The models of what is published keep the names under which the schemas publish them.
PUBLISHED_NAMES = {"Encounter"}

# Who may import whom. A new package under services/chargeline gets its line here.
LAYER = {
    "engine": "engine",
    "hl7": "edge",
    "rulebook": "edge",
    "ledger": "edge",
    "published": "edge",
    "kafka": "edge",
    "mllp": "edge",
    "files": "edge",
    "certificates": "edge",
    "refdata": "edge",
    "telemetry": "edge",
    "settings": "edge",
    "drafting": "floor",
    "capture": "program",
    "gateway": "program",
    "workbench": "program",
    "simulator": "program",
    "coding": "program",
    "operate": "program",
    "importing": "program",
    "serve": "wiring",
    "cli": "wiring",
    "demo": "wiring",
    "schemas": "wiring",
    "version": "version",
}
MAY_IMPORT = {  # besides itself
    "version": set(),
    "face": {"engine", "program", "version"},
    "engine": set(),
    "edge": {"engine", "version"},
    "floor": {"engine", "edge", "version"},
    "program": {"engine", "edge", "floor", "version"},
    "wiring": {"engine", "edge", "floor", "program", "wiring", "version"},
}

# Pure packages: everything they need comes in as an argument, everything they decide goes out as a
# value.
PURE = {"engine", "hl7"}
IMPURE_MODULES = (
    {"asyncio", "concurrent", "multiprocessing", "queue", "subprocess", "threading"}
    | {"glob", "importlib", "io", "os", "pathlib", "shutil", "sqlite3", "tempfile"}
    | {"http", "select", "selectors", "socket", "socketserver", "ssl", "urllib"}
    | {"logging", "random", "rich", "secrets", "structlog", "time"}
)
IMPURE_BUILTINS = {"__import__", "eval", "exec", "input", "open", "print"}
CLOCK_CALLS = {"now", "today", "utcnow"}

MACHINE_NAMES = re.compile(
    rb"pypi\.org|files\.pythonhosted|registry\.npmjs|(?<![\w.~-])(?:/root/|/opt/wheels|/work/)",
    re.IGNORECASE,
)
NOT_OURS = {
    ".git",
    ".venv",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
}


@dataclass(frozen=True)
class Module:
    """One Python file: where it is, below the repository, and its text."""

    path: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, filename=self.path)

    @property
    def dotted(self) -> list[str]:
        """The module's name in parts: services/chargeline/hl7/reader.py is [chargeline, hl7,
        reader].
        """
        return list(Path(self.path).with_suffix("").parts[1:])

    @property
    def package(self) -> str:
        """The part that the layer table knows: `hl7`, `cli`, or `__init__` for the package root."""
        return self.dotted[1]

    def objection(self, line: int, expected: str, found: str, remedy: str) -> str:
        return f"{self.path}:{line}: expected {expected}, found {found}. {remedy}"


Checker = Callable[[Module], Iterator[str]]


@cache
def modules() -> tuple[Module, ...]:
    """Every Python file of the import package, in path order."""
    paths = sorted((REPOSITORY / PACKAGE).rglob("*.py"))
    return tuple(
        Module(p.relative_to(REPOSITORY).as_posix(), p.read_text(encoding="utf-8")) for p in paths
    )


def project_files() -> list[Path]:
    """The files that git tracks or would track; without a git repository, all files but tool
    output.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False)
    if listing.returncode == 0:
        paths = [REPOSITORY / name for name in listing.stdout.decode().split("\0") if name]
    else:
        paths = [
            p for p in REPOSITORY.rglob("*") if NOT_OURS.isdisjoint(p.relative_to(REPOSITORY).parts)
        ]
    return sorted(p for p in paths if p.is_file())


def objections(checker: Checker) -> list[str]:
    return [objection for module in modules() for objection in checker(module)]


def assert_none(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


# --- the checkers
# ---------------------------------------------------------------------------------------


def imported(module: Module) -> Iterator[tuple[int, str]]:
    """Each imported module with its line, absolute; `from chargeline import hl7` gives
    chargeline.hl7.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.dotted[: -node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names = (
                [f"{base}.{alias.name}" for alias in node.names] if base == "chargeline" else [base]
            )
            yield from ((node.lineno, name) for name in names)


def import_graph(all_modules: Iterable[Module]) -> dict[str, set[str]]:
    """Each module of ours with the modules that it imports, by dotted name."""
    names = {".".join(module.dotted).removesuffix(".__init__"): module for module in all_modules}
    return {name: set(_targets(module, names)) - {name} for name, module in names.items()}


def _targets(module: Module, names: Mapping[str, Module]) -> Iterator[str]:
    """Of `from chargeline.kafka import topics` the module topics, else what is imported from."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield from [name for name in (whole, node.module) if name in names][:1]
        elif isinstance(node, ast.Import):
            yield from [alias.name for alias in node.names if alias.name in names]


def circles(graph: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """A circle for each import that leads back to where it began."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> Iterator[list[str]]:
        if name in path:
            yield [*path[path.index(name) :], name]
        elif name not in done:
            for target in sorted(graph.get(name, ())):
                yield from walk(target, [*path, name])
            done.add(name)

    for name in sorted(graph):
        yield from walk(name, [])


def layer(package: str) -> str:
    """The layer of a package; `chargeline` itself is the face that it shows as a library."""
    return "face" if package.startswith("__") or not package else LAYER.get(package, "unknown")


def check_package_is_known(module: Module) -> Iterator[str]:
    if layer(module.package) == "unknown":
        yield module.objection(
            1,
            f"one of the packages {', '.join(LAYER)}",
            f"`{module.package}`",
            f"Add it to LAYER in {THIS_FILE}, as an edge or a program, and to docs if it is new "
            f"to readers.",
        )


def check_import_order(module: Module) -> Iterator[str]:
    own = layer(module.package)
    for line, name in imported(module):
        top, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if top != "chargeline" or target == module.package or own == "unknown":
            continue
        if layer(target) not in MAY_IMPORT[own]:
            allowed = " or ".join(sorted(MAY_IMPORT[own])) or "nothing else of ours"
            yield module.objection(
                line,
                f"`{module.package}` ({own}) to import itself or {allowed}",
                f"`{name}` ({layer(target)})",
                "Move what is shared into the engine, or pass it in from the program that wires "
                "both.",
            )


def check_engine_has_one_door(module: Module) -> Iterator[str]:
    """Object to whoever outside the engine imports from inside it."""
    for line, name in imported(module) if module.package != "engine" else ():
        if name.startswith("chargeline.engine."):
            yield module.objection(
                line,
                "what the engine hands out, from `chargeline.engine`",
                f"`{name}`",
                "Import it from chargeline.engine; what is missing there is added to its __init__.",
            )


def check_short_names(module: Module) -> Iterator[str]:
    """Object to names that could mean anything, but in a comprehension that stands on one line."""
    one_line = {
        id(inner)
        for node in ast.walk(module.tree)
        if isinstance(node, COMPREHENSIONS) and node.lineno == node.end_lineno
        for inner in ast.walk(node)
    }
    for node in ast.walk(module.tree):
        name = node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else ""
        name = node.arg if isinstance(node, ast.arg) else name
        a_word_of_findings = name == "found" and (
            isinstance(node, ast.arg)
            or id(node) in _fields(module.tree)
            or _is_passed_on(module.tree, name)
        )
        if name in VAGUE_NAMES and id(node) not in one_line and not a_word_of_findings:
            yield module.objection(
                getattr(node, "lineno", 1),
                "a name that says what it holds",
                f"`{name}`",
                "Name the thing: the administration, the row, the draft before this one.",
            )


def _fields(tree: ast.Module) -> set[int]:
    """The names that classes declare as their fields."""
    return {
        id(statement.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
    }


def _is_passed_on(tree: ast.Module, name: str) -> bool:
    """Whether every use of a name is as an argument: what was found, on its way into a finding."""
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    arguments = {
        id(value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for value in (*node.args, *(keyword.value for keyword in node.keywords))
    }
    read = [node for node in uses if isinstance(node.ctx, ast.Load)]
    return bool(read) and all(id(node) in arguments for node in read)


def check_class_names(module: Module) -> Iterator[str]:
    """Object to a class whose name another class has too, or that docs/words.md refuses."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        elsewhere = [place for place in classes().get(node.name, []) if place != module.path]
        if elsewhere and node.name not in PUBLISHED_NAMES:
            yield module.objection(
                node.lineno,
                "a class name that stands once in the house",
                f"`{node.name}`, which {elsewhere[0]} has too",
                "If two classes want one name, one of them has not been understood.",
            )
        if node.name in refused_names():
            yield module.objection(
                node.lineno, "a name that the trade uses", f"`{node.name}`", "See docs/words.md."
            )


@cache
def classes() -> dict[str, list[str]]:
    """The files in which each class of services/ stands, by the name of the class."""
    places: dict[str, list[str]] = {}
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(module.path)
    return places


def words_page() -> list[list[str]]:
    """The rows of all tables of docs/words.md, as their cells."""
    text = (REPOSITORY / "docs/words.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return [row for row in rows if len(row) > 1 and row[0] not in ("word", "not", "---")]


def in_backticks(cell: str) -> list[str]:
    return re.findall(r"`([A-Za-z]+)`", cell)


@cache
def refused_names() -> frozenset[str]:
    """The names that the last table of docs/words.md refuses."""
    return frozenset(
        [name for row in words_page() if len(row) == 2 for name in in_backticks(row[0])]
    )


def check_more_than_four_by_keyword(module: Module) -> Iterator[str]:
    """Object to calls that give more than four values by their place only."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or len(node.args) <= POSITIONAL_MOST:
            continue
        if ast.unparse(node.func).rpartition(".")[2] not in TAKE_MANY:
            yield module.objection(
                node.lineno,
                f"at most {POSITIONAL_MOST} values by place in a call",
                f"{len(node.args)} in `{ast.unparse(node.func)}(…)`",
                "Name them: nobody reads five values in a row.",
            )


def check_engine_needs_only_the_standard_library(module: Module) -> Iterator[str]:
    for line, name in imported(module) if module.package == "engine" else ():
        top = name.partition(".")[0]
        if top != "chargeline" and top not in sys.stdlib_module_names:
            yield module.objection(
                line, "the standard library only", f"`{name}`", "Move what needs it to an edge."
            )


def check_purity(module: Module) -> Iterator[str]:
    """Object to the clock, chance, the disk and the network, in the packages that must be pure."""
    if module.package not in PURE:
        return
    remedy = (
        "Take the value as an argument; the program that calls knows the clock, the disk and the "
        "network."
    )
    for line, name in imported(module):
        if name.partition(".")[0] in IMPURE_MODULES:
            yield module.objection(line, "a pure module", f"the import of `{name}`", remedy)
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in IMPURE_BUILTINS
        ):
            yield module.objection(
                node.lineno, "a pure module", f"a call of `{node.func.id}`", remedy
            )
        if isinstance(node, ast.expr | ast.keyword) and reads_clock(node):
            yield module.objection(node.lineno, "time handed in", f"`{ast.unparse(node)}`", remedy)


def reads_clock(node: ast.expr | ast.keyword) -> bool:
    """True for a call such as `datetime.now()`, and for the bare `datetime.now` given as a
    callback.
    """
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS
    if isinstance(node, ast.keyword):
        return isinstance(node.value, ast.Attribute) and ast.unparse(node.value).endswith(
            tuple(f"{receiver}.{call}" for receiver in ("datetime", "date") for call in CLOCK_CALLS)
        )
    return False


def check_engine_has_no_floats(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree) if module.package == "engine" else ():
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float | complex)
        call = (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "float"
        )
        if isinstance(node, ast.expr) and (literal or call):
            yield module.objection(
                node.lineno,
                "exact numbers",
                f"`{ast.unparse(node)}`",
                "Use Decimal('…') for doses, integer cents for money, integer minutes for time.",
            )


def check_docstring(module: Module) -> Iterator[str]:
    docstring = ast.get_docstring(module.tree) or ""
    text = re.sub(r"\b(e\.g|i\.e|vs|cf)\.", r"\1", docstring)
    sentences = len(re.findall(r"[.!?][)\"'`”’]*(?=\s|$)", text))
    if sentences < DOCSTRING_SENTENCES_LEAST:
        yield module.objection(
            1,
            f"a module docstring of at least {DOCSTRING_SENTENCES_LEAST} sentences",
            f"{sentences}" if docstring else "no docstring",
            "Say what the module owns, what it refuses to know, and why it is the way it is.",
        )


def check_function_length(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MOST:
                yield module.objection(
                    node.lineno,
                    f"functions of at most {FUNCTION_LINES_MOST} lines",
                    f"`{node.name}` with {lines}",
                    "Keep the branching in it and move the leaves out, or turn the branches into "
                    "a table.",
                )


def check_file_length(module: Module) -> Iterator[str]:
    lines = len(module.source.splitlines())
    if lines > FILE_LINES_MOST:
        yield module.objection(
            lines,
            f"at most {FILE_LINES_MOST} lines in a file",
            f"{lines}",
            "Split it: one idea per file.",
        )


def check_handlers(module: Module) -> Iterator[str]:
    """Object to handlers that swallow errors, and in pure packages to those that catch
    everything.
    """
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield module.objection(
                node.lineno,
                "a named exception",
                "a bare `except:`",
                "Name what the handler can deal with.",
            )
        elif module.package in PURE and catches_everything(node.type):
            yield module.objection(
                node.lineno,
                "a named exception",
                f"`except {ast.unparse(node.type)}`",
                "Name what the handler can deal with; a mistake of our own must come out.",
            )
        if all(isinstance(statement, ast.Pass) for statement in node.body):
            yield module.objection(
                node.lineno,
                "a handler that does something",
                "only `pass`",
                "Return a value for what is wrong; if it does not matter, contextlib.suppress it "
                "by name.",
            )


def catches_everything(caught: ast.expr) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"} for name in names
    )


def check_machine_names(path: str, content: bytes) -> Iterator[str]:
    """Object to each line that names a package registry or a path of the machine it was written
    on.
    """
    if path == THIS_FILE or not MACHINE_NAMES.search(content):
        return
    for number, line in enumerate(content.splitlines(), start=1):
        if match := MACHINE_NAMES.search(line):
            yield (
                f"{path}:{number}: expected nothing of this machine or of a package registry,"
                f" found `{match.group().decode()}`. Use a relative path, or leave it to the "
                f"tool's settings."
            )


# --- the claims about this repository
# -------------------------------------------------------------------


def test_the_tidy_test_sees_the_source() -> None:
    """The checkers below are given the package that they judge, and files that git would track."""
    assert "services/chargeline/__init__.py" in {module.path for module in modules()}
    assert Path(__file__).resolve() in project_files()


def test_every_package_has_a_place_in_the_layers() -> None:
    """Each package and module directly under services/chargeline is in the layer table."""
    assert_none(objections(check_package_is_known))


def test_imports_follow_the_layers() -> None:
    """Programs import edges and engine, edges import engine, the engine imports itself; no two are
    mixed.
    """
    assert_none(objections(check_import_order))


def test_the_engine_has_one_door() -> None:
    """What the engine can do is imported from `chargeline.engine` and nothing deeper."""
    assert_none(objections(check_engine_has_one_door))


def test_calls_with_many_values_name_them() -> None:
    """Nobody counts to the fifth of several values in a row."""
    assert_none(objections(check_more_than_four_by_keyword))


def test_names_say_what_they_hold() -> None:
    """Nobody asks what `each` or `found` is, ten lines further down."""
    assert_none(objections(check_short_names))


def test_a_class_name_stands_once_in_the_house() -> None:
    """A name leads to one class, and is one that the trade uses."""
    assert_none(objections(check_class_names))


def test_the_page_of_words_is_true() -> None:
    """Each word stands once in docs/words.md, and what it is called in the code exists."""
    rows = words_page()
    named = [row[0] for row in rows if len(row) == 3]
    assert len(named) > 30 and len(named) == len(set(named))
    source = "\n".join(module.source for module in modules())
    wanted = [name for row in rows for name in in_backticks(row[-1])]
    assert all(re.search(rf"^(class|def) {name}\b|^{name} = ", source, re.M) for name in wanted)


def test_no_module_imports_itself_by_way_of_others() -> None:
    """The imports of services/ form no circle."""
    assert_none([" -> ".join(circle) for circle in circles(import_graph(modules()))])


def test_the_engine_needs_only_the_standard_library() -> None:
    """The engine runs on a bare Python."""
    assert_none(objections(check_engine_needs_only_the_standard_library))


def test_pure_packages_touch_no_clock_disk_or_network() -> None:
    """The engine and the HL7 reader can do nothing but compute."""
    assert_none(objections(check_purity))


def test_the_engine_has_no_floats() -> None:
    """Doses, money and minutes are exact."""
    assert_none(objections(check_engine_has_no_floats))


def test_every_module_says_what_it_owns() -> None:
    """A module opens with at least two sentences."""
    assert_none(objections(check_docstring))


def test_functions_fit_in_one_glance() -> None:
    """No function is longer than the limit."""
    assert_none(objections(check_function_length))


def test_files_hold_one_idea() -> None:
    """No file is longer than the limit."""
    assert_none(objections(check_file_length))


def test_no_error_is_swallowed() -> None:
    """Handlers name what they catch and do something about it."""
    assert_none(objections(check_handlers))


def test_no_file_names_this_machine() -> None:
    """A file of the project holds no registry host name and no path of the machine it was written
    on.
    """
    found: list[str] = []
    for path in project_files():
        found += check_machine_names(path.relative_to(REPOSITORY).as_posix(), path.read_bytes())
    assert_none(found)


# --- the claims about the checkers
# ----------------------------------------------------------------------

OFFENDERS = [
    (check_package_is_known, "pharmacy/__init__.py", "", "LAYER in tests/test_tidy.py"),
    (check_package_is_known, "helpers.py", "", "found `helpers`"),
    (
        check_import_order,
        "engine/fold.py",
        "from chargeline.hl7 import reader",
        "`chargeline.hl7` (edge)",
    ),
    (
        check_import_order,
        "engine/fold.py",
        "from chargeline import __version__",
        "__version__` (face)",
    ),
    (check_import_order, "engine/fold.py", "import chargeline", "`chargeline` (face)"),
    (
        check_import_order,
        "engine/__init__.py",
        "from ..hl7 import reader",
        "`chargeline.hl7` (edge)",
    ),
    (check_import_order, "hl7/reader.py", "from .. import ledger", "`chargeline.ledger` (edge)"),
    (
        check_import_order,
        "hl7/reader.py",
        "def f():\n    import chargeline.ledger",
        "reader.py:2: ",
    ),
    (
        check_import_order,
        "ledger/store.py",
        "from chargeline.capture import run",
        "`chargeline.capture` (program)",
    ),
    (
        check_import_order,
        "capture/run.py",
        "from chargeline import gateway",
        "`chargeline.gateway` (program)",
    ),
    (
        check_import_order,
        "capture/run.py",
        "from chargeline.cli import main",
        "`chargeline.cli` (wiring)",
    ),
    (
        check_import_order,
        "__init__.py",
        "from chargeline.ledger import store",
        "`chargeline.ledger` (edge)",
    ),
    (
        check_engine_has_one_door,
        "hl7/reader.py",
        "from chargeline.engine.trace import Step",
        "`chargeline.engine.trace`",
    ),
    (check_more_than_four_by_keyword, "cli.py", "f(1, 2, 3, 4, 5)", "5 in `f(…)`"),
    (
        check_engine_needs_only_the_standard_library,
        "engine/fold.py",
        "import pydantic",
        "`pydantic`",
    ),
    (check_purity, "engine/fold.py", "import random", "`random`"),
    (check_purity, "engine/fold.py", "from time import monotonic", "`time`"),
    (check_purity, "hl7/reader.py", "import os.path", "`os.path`"),
    (check_purity, "hl7/reader.py", "from pathlib import Path", "`pathlib`"),
    (check_purity, "hl7/reader.py", "import socket", "`socket`"),
    (check_purity, "hl7/reader.py", "text = open('feed.hl7')", "`open`"),
    (check_purity, "engine/fold.py", "at = datetime.now(UTC)", "`datetime.now(UTC)`"),
    (check_purity, "engine/fold.py", "at = dt.datetime.utcnow()", "`dt.datetime.utcnow()`"),
    (check_purity, "engine/fold.py", "day = date.today()", "`date.today()`"),
    (check_purity, "engine/fold.py", "at = field(default_factory=datetime.now)", "datetime.now"),
    (check_engine_has_no_floats, "engine/fold.py", "dose_mg = 1.5", "`1.5`"),
    (check_engine_has_no_floats, "engine/fold.py", "dose_mg = float('1')", "`float('1')`"),
    (check_docstring, "files.py", "x = 1", "no docstring"),
    (check_docstring, "files.py", "", "no docstring"),
    (check_docstring, "files.py", '"""Reads files, e.g. HL7 v2.5 ones."""', "found 1."),
    (
        check_function_length,
        "cli.py",
        "def long():\n" + "    x = 1\n" * FUNCTION_LINES_MOST,
        "`long` with 61",
    ),
    (
        check_function_length,
        "cli.py",
        "async def long():\n" + "    x = 1\n" * FUNCTION_LINES_MOST,
        "`long`",
    ),
    (check_short_names, "engine/draft.py", "for each in lines:\n    print(each)", "`each`"),
    (check_short_names, "hl7/reader.py", "def read(known):\n    data = known", "`known`"),
    (check_short_names, "hl7/reader.py", "def read(data):\n    found = 1", "`found`"),
    (check_class_names, "drafting/desk.py", "class Desk:\n    pass", "words.md"),
    (check_class_names, "drafting/inbound.py", "class Timeline:\n    pass", "once in the house"),
    (
        check_file_length,
        "cli.py",
        "x = 1\n" * (FILE_LINES_MOST + 1),
        f"found {FILE_LINES_MOST + 1}",
    ),
    (check_handlers, "cli.py", "try:\n    f()\nexcept:\n    g()", "bare"),
    (check_handlers, "cli.py", "try:\n    f()\nexcept ValueError:\n    pass", "only `pass`"),
    (
        check_handlers,
        "engine/fold.py",
        "try:\n    f()\nexcept Exception:\n    g()",
        "`except Exception`",
    ),
    (
        check_handlers,
        "hl7/reader.py",
        "try:\n    f()\nexcept (KeyError, BaseException):\n    g()",
        "BaseException",
    ),
]

INNOCENTS = [
    (check_package_is_known, "__init__.py", ""),
    (check_package_is_known, "engine/fold.py", ""),
    (
        check_import_order,
        "engine/fold.py",
        "from chargeline.engine import events\nfrom . import draft",
    ),
    (
        check_import_order,
        "hl7/reader.py",
        "from chargeline.engine import events\nfrom .scan import split",
    ),
    (
        check_import_order,
        "capture/run.py",
        "from chargeline import engine, kafka, ledger, version",
    ),
    (check_import_order, "cli.py", "from chargeline import capture, gateway, ledger"),
    (check_short_names, "engine/draft.py", "lines = [each.line for each in entries]"),
    (check_short_names, "engine/finding.py", "class Finding(NamedTuple):\n    found: str"),
    (check_short_names, "rulebook/cases.py", "found = repr(cell)\nwrong(found, 'correct it')"),
    (check_short_names, "engine/trace.py", "def ask(expected, found):\n    return found"),
    (check_class_names, "mllp/limits.py", "class MllpLimits:\n    pass"),
    (check_engine_has_one_door, "hl7/reader.py", "from chargeline.engine import Step, words"),
    (check_engine_has_one_door, "engine/draft.py", "from chargeline.engine.trace import Step"),
    (
        check_more_than_four_by_keyword,
        "cli.py",
        "f(1, 2, 3, 4, five=5)\ntable.add_row(1, 2, 3, 4, 5)",
    ),
    (check_engine_needs_only_the_standard_library, "engine/fold.py", "import decimal"),
    (check_engine_needs_only_the_standard_library, "ledger/store.py", "import pydantic"),
    (check_purity, "engine/fold.py", "from datetime import datetime\nlate = context.now - at"),
    (check_purity, "files.py", "import os\nat = datetime.now(UTC)\ntext = open('feed.hl7')"),
    (
        check_engine_has_no_floats,
        "engine/fold.py",
        "dose_mg = Decimal('1.5')\nexact = not isinstance(x, float)",
    ),
    (check_engine_has_no_floats, "files.py", "wait_seconds = 1.5"),
    (
        check_docstring,
        "files.py",
        '"""Reads files of HL7 v2.5. It refuses to know (yet) what is in them."""',
    ),
    (check_function_length, "cli.py", "def fits():\n" + "    x = 1\n" * (FUNCTION_LINES_MOST - 1)),
    (check_file_length, "cli.py", "x = 1\n" * FILE_LINES_MOST),
    (check_handlers, "cli.py", "try:\n    f()\nexcept Exception:\n    park()"),
    (check_handlers, "engine/fold.py", "try:\n    f()\nexcept (KeyError, ValueError):\n    g()"),
]


@pytest.mark.parametrize(("checker", "path", "source", "said"), OFFENDERS)
def test_a_checker_objects_to_an_offender(
    checker: Checker, path: str, source: str, said: str
) -> None:
    """Each checker objects to a source that breaks its rule, once, and says what it found."""
    found = list(checker(Module(f"{PACKAGE.as_posix()}/{path}", source)))
    assert len(found) == 1, found
    assert said in found[0]


@pytest.mark.parametrize(("checker", "path", "source"), INNOCENTS)
def test_a_checker_leaves_the_innocent_alone(checker: Checker, path: str, source: str) -> None:
    """Each checker accepts a source that keeps its rule or that the rule is not about."""
    assert_none(list(checker(Module(f"{PACKAGE.as_posix()}/{path}", source))))


@pytest.mark.parametrize(
    "line",
    [
        b"--index-url https://PyPI.org/simple",
        b"https://files.pythonhosted.org/packages/x",
        b'"resolved": "https://registry.npmjs.org/x"',
        b"--find-links /opt/wheels",
        b"cache=/root/.cache",
        b'open("/work/main/x")',
    ],
)
def test_a_name_of_this_machine_is_found_on_its_line(line: bytes) -> None:
    """Each registry host and machine path is reported with its file and line."""
    assert [
        found.partition(": ")[0] for found in check_machine_names("a.txt", b"first\n" + line)
    ] == ["a.txt:2"]


def test_a_path_that_only_resembles_this_machine_is_accepted() -> None:
    """A folder called `work` or `root` inside some other path is no objection."""
    assert_none(
        list(check_machine_names("a.txt", b"src/work/list.py and ./root/x and the /worklist page"))
    )


def test_every_checker_is_proven_to_bite() -> None:
    """No checker of modules is without an offender and an innocent."""
    checkers = {
        f
        for name, f in globals().items()
        if name.startswith("check_") and name != "check_machine_names"
    }
    assert {checker for checker, *_ in OFFENDERS} == checkers
    assert {checker for checker, *_ in INNOCENTS} == checkers
