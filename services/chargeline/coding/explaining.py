"""`chargeline explain`: the reasons of one line or of whole visits as text.

It owns which entries are shown; the words are the engine's.
"""

from collections.abc import Iterator

from chargeline.coding.run import Run
from chargeline.engine import Rulebook, explain


def explanations(run: Run, rulebook: Rulebook, visit: str = "", line_id: str = "") -> Iterator[str]:
    """Text blocks for the entries asked for: one line, one visit, or everything."""
    for coded in run.visits:
        if visit and coded.timeline.key.visit != visit:
            continue
        if not line_id:
            for question in coded.draft.questions:
                yield explain(question)
        for encounter in coded.draft.encounters:
            entries = [
                explain(line, rulebook.sources)
                for line in encounter.lines
                if not line_id or line.line_id == line_id
            ]
            if not line_id:
                entries += [explain(each, rulebook.sources) for each in encounter.withheld]
                entries += [explain(each) for each in encounter.questions]
            if entries:
                yield f"Visit {coded.timeline.key.visit}, encounter {encounter.encounter}, {encounter.policy}"
                yield from entries
