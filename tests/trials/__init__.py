"""Faults that were found by trial, each with its input and the value that is right.

Each test holds a kind of fault. The inputs are short: `coded` completes a message around them.
"""

from pathlib import Path

import chargeline
from chargeline.coding.run import Run

DAY = "20260302"


def rxa(drug: str, times: str, amount: str = "", *, note: str = "", done: str = "CP") -> str:
    """An RXA: `carboplatin`, `0900-1000` (or one time), `450 mg`."""
    start, _dash, stop = times.partition("-")
    quantity, _blank, unit = amount.partition(" ")
    begins = f"{DAY}{start}"
    ends = f"{DAY}{stop}" if stop else ""
    code = drug.upper().replace(" ", "-")
    return f"RXA|0|1|{begins}|{ends}|{code}^{drug}^L|{quantity}|{unit}||{note}|||||||||||{done}|A"


def message(*segments: str, visit: str = "V1", number: int = 1, patient_class: str = "O") -> str:
    """A RAS of visit V1; an order of its own for each RXA that has no ORC before it."""
    lines = [
        f"MSH|^~\\&|MAR|ZEBRA|CHARGELINE|ZEBRA|{DAY}180{number % 10}||RAS^O17|M{number}|T|2.5.1",
        "PID|1||ZZ1^^^ZEBRA^MR",
        f"PV1|1|{patient_class}|||||||||||||||||{visit}",
    ]
    orders = 0
    for segment in segments:
        if segment.startswith("RXA") and not lines[-1].startswith(("ORC", "RXE")):
            orders += 1
            lines.append(f"ORC|RE||R{number}{orders}")
        lines.append(segment)
    return "\r".join(lines) + "\r"


def run_of(folder: Path, *messages: str, policy: str = "", interface: str = "standard") -> Run:
    """The run of some whole messages."""
    path = folder / "trial.hl7"
    path.write_bytes("".join(messages).encode())
    return chargeline.code(path, policy=policy, interface=interface)


def charges(run: Run) -> list[str]:
    """Every charge line as a coder writes it, such as `96413 x1` or `J9045 x9`, sorted."""
    lines = [
        f"{'-'.join([line.code, *line.modifiers])} x{line.units}"
        for visit in run.visits
        for encounter in visit.draft.encounters
        for line in encounter.lines
    ]
    return sorted(lines)


def administration_codes(run: Run) -> list[str]:
    """The charges of giving drugs, without the drugs themselves, sorted."""
    return sorted(
        f"{'-'.join([line.code, *line.modifiers])} x{line.units}"
        for visit in run.visits
        for encounter in visit.draft.encounters
        for line in encounter.lines
        if line.family == "infusions"
    )


def questions(run: Run) -> list[str]:
    """The code of every question, sorted."""
    drafts = [visit.draft for visit in run.visits]
    asked = [*(q for d in drafts for q in d.questions)]
    asked += [q for d in drafts for encounter in d.encounters for q in encounter.questions]
    return sorted(question.finding.code for question in asked)


def provisional(run: Run) -> list[str]:
    """The codes of the lines that rest on an open question, sorted."""
    return sorted(
        line.code
        for visit in run.visits
        for encounter in visit.draft.encounters
        for line in encounter.lines
        if line.provisional
    )
