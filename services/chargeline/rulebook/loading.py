"""Puts a rulebook together from a rules folder.

This module owns the layers (base, then each policy's own rules), the table of payers, the version
of the rulebook, and the way a site's own formulary replaces rows of ours. It does not know how a
file is written inside; rule_files.py and tables.py do.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from chargeline.engine import (
    Container,
    Containers,
    Drug,
    Finding,
    Formulary,
    Needs,
    Policy,
    Rule,
    Rulebook,
    SharedDecisions,
    normal,
)
from chargeline.rulebook.authorizations import parse_needs
from chargeline.rulebook.containers import container_mistakes, parse_containers
from chargeline.rulebook.errors import RulebookError
from chargeline.rulebook.files import read_toml
from chargeline.rulebook.rule_files import RuleReader, parse_sets
from chargeline.rulebook.tables import (
    formulary_mistakes,
    parse_codes,
    parse_formulary,
    parse_name_words,
    parse_roles,
)


def load_rulebook(folder: Path, formulary: Path | None = None) -> Rulebook:
    """The rulebook of a folder. Raises RulebookError with all mistakes.

    `formulary`: a site's own CSV. A drug in it replaces a drug of ours with the same id, and its
    names no longer mean any drug of ours.
    """
    mistakes: list[Finding] = []
    sources = _sources(folder / "sources.toml", mistakes)
    named_sets = folder / "sets.toml"
    sets = parse_sets(named_sets, mistakes) if named_sets.exists() else {}
    reader = RuleReader(sources, sets, mistakes)
    base = _rules_in(folder / "base", "base", reader)
    base += parse_codes(folder / "base" / "codes.csv", sources, mistakes)
    base += parse_roles(folder / "base" / "roles.csv", sources, sets, mistakes)
    shared = SharedDecisions()
    policies = _policies(folder, base, reader, shared)
    default, payers = _payers(folder / "payers.toml", policies, mistakes)
    drugs = _drugs(folder, formulary, sources, mistakes)
    ids = frozenset([drug.id for drug in drugs])
    containers = _containers(folder, ids, sources, mistakes)
    wanted = folder / "base" / "authorizations.csv"
    needs = parse_needs(wanted, sources, mistakes) if wanted.exists() else []
    words_of_names = folder / "formulary" / "words.toml"
    name_words = parse_name_words(words_of_names, mistakes) if words_of_names.exists() else None
    if mistakes:
        raise RulebookError(*mistakes)
    return Rulebook(
        version=_version(folder, formulary),
        base=Policy("base", "what holds whoever pays", base, shared),
        policies=policies,
        compared=tuple(sorted(policies)),
        default_policy=default,
        payers=payers,
        formulary=Formulary(drugs, name_words, Containers(containers)),
        sources=sources,
        needs=Needs(needs),
    )


def _rules_in(folder: Path, layer: str, reader: RuleReader) -> list[Rule]:
    """The rules of all TOML files of a folder, except the files of cases."""
    paths = [
        path for path in sorted(folder.glob("*.toml")) if not path.name.endswith(".cases.toml")
    ]
    return [rule for path in paths for rule in reader.rules_of(path, layer)]


def _sources(path: Path, mistakes: list[Finding]) -> dict[str, str]:
    """The title of each source by its citation key."""
    titles = {}
    for key, entry in read_toml(path, mistakes).items():
        title = entry.get("title") if isinstance(entry, dict) else None
        if not isinstance(title, str) or not title:
            mistakes.append(
                Finding(
                    "rules.cite",
                    expected="a title",
                    found=repr(title),
                    where=f"sources.toml [{key}]",
                    do="name the source",
                )
            )
        titles[key] = str(title)
    return titles


def _policies(
    folder: Path, base: Sequence[Rule], reader: RuleReader, shared: SharedDecisions
) -> dict[str, Policy]:
    policies = {}
    mistakes = reader.mistakes
    for path in sorted((folder / "policies").glob("*/policy.toml")):
        header = read_toml(path, mistakes)
        name = path.parent.name
        if header.get("name") != name:
            found = repr(header.get("name"))
            mistakes.append(
                Finding(
                    "rules.policy",
                    expected=f"name = {name!r}",
                    found=found,
                    where=str(path.parent.name),
                    do="give the policy the name of its folder",
                )
            )
        own = _rules_in(path.parent, name, reader)
        _check_ids([*base, *own], mistakes)
        policies[name] = Policy(name, str(header.get("describes", "")), [*base, *own], shared)
    if not policies:
        mistakes.append(
            Finding(
                "rules.policy",
                expected="a policy",
                found="none",
                where=str(folder / "policies"),
                do="add a folder with policy.toml",
            )
        )
    return policies


def _check_ids(rules: Sequence[Rule], mistakes: list[Finding]) -> None:
    """Add a mistake for an id of two rules, and for an override that names no such rule.

    An override must name an existing rule of the same concern.
    """
    by_id: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in by_id and by_id[rule.id].place != rule.place:
            found = f"{rule.id!r} also in {by_id[rule.id].place}"
            mistakes.append(
                Finding(
                    "rules.id",
                    expected="an id of its own",
                    found=found,
                    where=rule.place,
                    do="rename one of them",
                )
            )
        by_id[rule.id] = rule
    for rule in rules:
        for name in rule.overrides:
            other = by_id.get(name)
            if other is None or other.concern != rule.concern:
                mistakes.append(
                    Finding(
                        "rules.override",
                        expected=f"overrides = rules that decide {rule.concern.name}",
                        found=repr(name),
                        where=rule.place,
                        do="name an existing rule; `chargeline rules list` shows them",
                    )
                )
    unique = list(dict.fromkeys(mistakes))
    mistakes[:] = unique


def _payers(
    path: Path, policies: Mapping[str, Policy], mistakes: list[Finding]
) -> tuple[str, dict[str, str]]:
    table = read_toml(path, mistakes)
    default = str(table.get("default", ""))
    payers = table.get("payers", {})
    policy_of_payer: dict[str, str] = {}
    for payer, policy in (payers if isinstance(payers, dict) else {}).items():
        policy_of_payer[str(payer).upper()] = str(policy)
    for payer, policy in [("default", default), *policy_of_payer.items()]:
        if policy not in policies:
            mistakes.append(
                Finding(
                    "rules.payer",
                    expected=f"one of {', '.join(sorted(policies))}",
                    found=repr(policy),
                    where=f"payers.toml {payer}",
                    do="name a policy that exists",
                )
            )
    return default, policy_of_payer


def _drugs(
    folder: Path, formulary: Path | None, sources: Mapping[str, str], mistakes: list[Finding]
) -> list[Drug]:
    drugs = [
        drug
        for path in sorted((folder / "formulary").glob("*.csv"))
        for drug in parse_formulary(path, mistakes, sources)
    ]
    mistakes.extend(formulary_mistakes(drugs, "formulary"))
    if formulary is None:
        return drugs
    own = parse_formulary(formulary, mistakes)
    mistakes.extend(formulary_mistakes(own, formulary.name))
    replaced = {drug.id for drug in own}
    taken = {normal(name) for drug in own for name in (drug.id, *drug.names)}
    kept = [
        drug._replace(names=tuple(name for name in drug.names if normal(name) not in taken))
        for drug in drugs
        if drug.id not in replaced and normal(drug.id) not in taken
    ]
    return [*kept, *own]


def _containers(
    folder: Path, drugs: frozenset[str], sources: Mapping[str, str], mistakes: list[Finding]
) -> list[Container]:
    containers = [
        container
        for path in sorted((folder / "containers").glob("*.csv"))
        for container in parse_containers(path, drugs, sources, mistakes)
    ]
    mistakes.extend(container_mistakes(containers, "containers"))
    return containers


_READ = (
    "*.toml",
    "base/*.toml",
    "base/*.csv",
    "policies/*/*.toml",
    "formulary/*.csv",
    "containers/*.csv",
    "formulary/words.toml",
    "interfaces/*/profile.toml",
)
"""The files of a rules folder from which drafts are made; the files of cases are not among them."""


def files_read(folder: Path) -> dict[str, Path]:
    """The files from which drafts are made, by their names within the folder.

    A link counts as what it leads to, under its own name: Kubernetes mounts a ConfigMap as links
    into a folder with a date in its name.
    """
    paths = {path for pattern in _READ for path in folder.glob(pattern)}
    by_name = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: by_name[name] for name in sorted(by_name) if not name.endswith(".cases.toml")}


def _version(folder: Path, formulary: Path | None) -> str:
    """Twelve hexadecimal digits that change whenever a file changes from which drafts are made."""
    digest = sha256()
    for name, path in files_read(folder).items():
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    if formulary is not None:
        digest.update(formulary.read_bytes())
    return digest.hexdigest()[:12]


def interface_names(folder: Path) -> list[str]:
    """The names of the interface profiles of a rules folder, sorted."""
    return sorted(path.parent.name for path in folder.glob("interfaces/*/profile.toml"))


def read_interface(folder: Path, name: str) -> dict[str, object]:
    """The table of an interface profile, with the keys of the profile that it extends.

    Raises RulebookError for a profile that does not exist, and names those that do, and for one
    that has another name than its folder: a gateway writes the name of the profile into the headers
    of its messages, and a capture would read them by the profile whose folder has that name.
    """
    table = _interface_table(folder, name)
    if table.get("name") != name:
        raise RulebookError(_misnamed(name, table.get("name")))
    base = table.pop("extends", None)
    if base is None:
        return table
    if not isinstance(base, str) or base == name:
        raise _no_interface(folder, repr(base), f"{name}/profile.toml extends")
    below = _interface_table(folder, base)
    if "extends" in below:
        raise _no_interface(folder, f"{base!r}, which extends another", f"{name}/profile.toml")
    return _laid_over(below, table)


def _laid_over(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """One table over another: a key of the upper one counts, and tables are joined key by key."""
    joined = dict(below)
    for key, value in above.items():
        under = joined.get(key)
        is_table = isinstance(value, dict) and isinstance(under, dict)
        joined[key] = {**under, **value} if is_table else value  # type: ignore[dict-item]
    return joined


def _no_interface(folder: Path, found: str, where: str) -> RulebookError:
    return RulebookError(
        Finding(
            "rules.choice",
            expected=f"one of {', '.join(interface_names(folder))}",
            found=found,
            where=where,
            do="choose one, or add its folder",
        )
    )


def _misnamed(folder_name: str, written: object) -> Finding:
    return Finding(
        "rules.interface",
        expected=f'name = "{folder_name}", the name of the folder',
        found=repr(written) if written is not None else "no name",
        where=f"interfaces/{folder_name}/profile.toml",
        do="give the profile the name of its folder; messages are read by it",
    )


def _interface_table(folder: Path, name: str) -> dict[str, object]:
    path = folder / "interfaces" / name / "profile.toml"
    if name not in interface_names(folder):  # nor a path that leads out of the folder
        raise _no_interface(folder, repr(name), f"interface {name}")
    mistakes: list[Finding] = []
    table = read_toml(path, mistakes)
    if mistakes:
        raise RulebookError(*mistakes)
    return table


def refuse_unknown_policy(policy: str, rulebook: Rulebook, *, where: str) -> None:
    """Raise RulebookError if the rules have no such policy; `where` names what asked for it."""
    if policy not in rulebook.policies:
        raise RulebookError(
            Finding(
                "rules.choice",
                expected=f"one of {', '.join(sorted(rulebook.policies))}",
                found=repr(policy),
                where=where,
                do="choose one of them",
            )
        )
