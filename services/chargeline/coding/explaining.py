"""`chargeline explain`: the reasons of one line, of one visit or of all visits, as text.

It owns which lines, withheld services and questions are shown, and in which order. The text of each
comes from the engine's `explain`, because the reasons are part of the draft.
"""

from collections.abc import Iterator

from chargeline.coding.run import Run
from chargeline.engine import printable


def explanations(run: Run, visit: str = "", line_id: str = "") -> Iterator[str]:
    """The explanations as blocks of text: of one line, of one visit, or of everything."""
    for coded in run.visits:
        if visit and coded.timeline.key.visit != visit:
            continue
        if not line_id:
            for question in coded.draft.questions:
                yield run.explain(question)
        for encounter in coded.draft.encounters:
            entries = [
                run.explain(line)
                for line in encounter.lines
                if not line_id or line.line_id == line_id
            ]
            if not line_id:
                entries += [run.explain(service) for service in encounter.withheld]
                entries += [run.explain(question) for question in encounter.questions]
            if entries:
                number = printable(coded.timeline.key.visit)
                yield f"Visit {number}, encounter {encounter.encounter}, {encounter.policy}"
                yield from entries
