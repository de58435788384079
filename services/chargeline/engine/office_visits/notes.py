"""Whether a day has a practitioner's own signed note of a visit, and else what is in its way.

It owns how several notes of a day, their states and the days of their signatures are read. It
knows no codes, and whether a visit needs a note is a rule. What a note says
inside, the feed does not carry.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from chargeline.engine.care import Note
from chargeline.engine.care_words import PRACTITIONERS
from chargeline.engine.events import Source

NoteStanding = Literal["signed", "amended", "unsigned", "author", "cancelled", "none"]
"""From the best to the worst: signed; signed and changed after; not signed; by nobody who bills
visits; taken back; none at all."""

_ADDED = frozenset({"edit", "addendum", "replacement"})


class DayNotes(NamedTuple):
    """What the notes of a day come to. `authors` are the numbers of those who wrote and signed one.

    `cosigned` is whether another person than its author signed one of them. `signed_after` is how
    many days after the visit the first of them was signed, below 0 for one that was signed before
    it; None where nobody says it, or it was changed since. `by_physician`: a physician wrote and
    signed one.
    """

    standing: NoteStanding
    found: str
    authors: tuple[str, ...]
    sources: tuple[Source, ...]
    cosigned: bool = False
    signed_after: int | None = None
    by_physician: bool = False


def notes_of(notes: Sequence[Note]) -> DayNotes:
    """The notes of a visit on a day. Other kinds of notes are told, and prove no visit."""
    replaced = {note.parent for note in notes if note.change == "replacement"}
    own = [note for note in notes if note.kind == "visit" and note.number not in replaced]
    sources = tuple([note.source for note in own])
    alive = [note for note in own if note.state != "cancelled"]
    signed = [note for note in alive if note.state == "signed"]
    good = [note for note in signed if note.author_kind in PRACTITIONERS]
    first = [note for note in good if note.change != "addendum"]
    authors = tuple(sorted({note.author for note in first}))
    by_physician = any(note.author_kind == "physician" for note in first)
    cosigned = any(note.author and note.signer not in ("", note.author) for note in first)
    if first:
        changed = [note for note in alive if note.change in _ADDED]
        unsigned = [note for note in changed if note.state != "signed"]
        if not changed:
            return DayNotes(
                "signed",
                "",
                authors,
                sources,
                cosigned=cosigned,
                signed_after=_signed_after(first),
                by_physician=by_physician,
            )
        what = "an addition that nobody signed" if unsigned else "a change after it was written"
        return DayNotes(
            "amended", what, authors, sources, cosigned=cosigned, by_physician=by_physician
        )
    waiting = [note for note in alive if note not in signed and note.author_kind != "nurse"]
    if waiting:
        states = sorted({note.state for note in waiting})
        return DayNotes("unsigned", f"a note whose state is {' and '.join(states)}", (), sources)
    if alive:
        kinds = sorted({note.author_kind for note in alive})
        by = " and ".join(["an author of whom nobody says the credential"] * ("unknown" in kinds))
        found = by or "a note by a nurse" * ("nurse" in kinds) or "an addition without its note"
        return DayNotes("author", found, (), sources)
    if own:
        return DayNotes("cancelled", "a note that was taken back", (), sources)
    return DayNotes("none", _beside(notes), (), ())


def _signed_after(notes: Iterable[Note]) -> int | None:
    days = [(note.signed_on - note.day).days for note in notes if note.signed_on is not None]
    return min(days, key=abs, default=None)


def _beside(notes: Sequence[Note]) -> str:
    """What else was written on the day."""
    kinds = sorted({note.kind for note in notes})
    return f"only notes of the kind {' and '.join(kinds)}" if kinds else "none"
