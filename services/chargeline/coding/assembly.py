"""From the bytes of a feed to drafts, with an account of every message.

It owns one run over files: split the bytes into messages, read the messages, fold them into
timelines, draft the visits, and count what was read, used and set aside. A message that cannot be
used is set aside with its reason, and the other messages are coded all the same. It does not know
where the bytes come from or how the drafts are shown.
"""

from collections.abc import Callable, Iterable, Sequence

from chargeline.coding.run import CodedVisit, Oddity, Run, SetAside
from chargeline.engine import (
    NO_HISTORY,
    Contribution,
    Feed,
    Finding,
    History,
    Rulebook,
    Unreadable,
    VisitKey,
    contributions_of,
    draft,
    histories,
    with_answers,
)
from chargeline.files import FeedFile
from chargeline.hl7.errors import Hl7Error
from chargeline.hl7.framing import split_messages
from chargeline.hl7.interpret import read_events
from chargeline.hl7.message import warning_code
from chargeline.hl7.profile import Profile
from chargeline.hl7.reader import read_message
from chargeline.published.answers import Given, reading_of

SHOWN_PLACES = 10


class Assembly:
    """Reads the files of a feed one by one (`add`), and then drafts all visits (`finish`)."""

    def __init__(self, rulebook: Rulebook, profile: Profile, policy: str = "") -> None:
        self.rulebook = rulebook
        self.profile = profile
        self.policy = policy
        self.feed = Feed(rulebook.base)
        self.read = 0
        self.used = 0
        self.set_aside: list[SetAside] = []
        self.oddities: dict[str, Oddity] = {}  # by the warning of the reader

    def add(self, file: FeedFile, on_message: Callable[[], None] = lambda: None) -> None:
        """Read one file. `on_message` is called after each message, for a progress bar."""
        for frame in split_messages(file.data):
            place = f"{file.name}, message {frame.position}"
            if frame.problem is not None:
                self.read += 1 if frame.data else 0
                self._put_aside(place, "", None, frame.problem.finding)
            else:
                self.read += 1
                self._message(frame.data, place)
            on_message()

    def _message(self, data: bytes, place: str) -> None:
        try:
            message = read_message(data)
        except Hl7Error as error:
            self._put_aside(place, "", None, error.finding)
            return
        self._note_oddities(message.warnings, place)
        reading = read_events(message, self.profile)
        if reading.set_aside is not None:
            self._put_aside(place, message.control_id, None, reading.set_aside.finding)
            return
        key = VisitKey(reading.facility, reading.visit) if reading.visit is not None else None
        for event in reading.events:
            if isinstance(event, Unreadable):
                self._put_aside(place, message.control_id, key, event.finding)
        self.used += 1
        self.feed.add(reading)

    def _note_oddities(self, warnings: Iterable[str], place: str) -> None:
        for warning in warnings:
            code = warning_code(warning)
            before = self.oddities.get(warning) or Oddity(code, warning[len(code) + 2 :], 0, ())
            places = before.places
            if len(places) < SHOWN_PLACES:
                places = (*places, place)
            self.oddities[warning] = before._replace(messages=before.messages + 1, places=places)

    def _put_aside(
        self, place: str, control_id: str, visit: VisitKey | None, finding: Finding
    ) -> None:
        self.set_aside.append(SetAside(place, control_id, visit, finding))

    def add_answers(self, answers: Iterable[Given]) -> None:
        """Take in what people said of visits that were read; call it after the last file."""
        zones: dict[VisitKey, str] = {}  # a timeline is made once, and not for each answer
        for given in answers:
            key = self.feed.surviving(VisitKey(given.facility, given.visit))
            if key in self.feed:
                zone = zones.get(key) or self.feed[key].context.zone
                zones[key] = zone
                self.feed.add(reading_of(given, key.visit, zone))

    def finish(self) -> Run:
        """Draft every visit, with what the patient's other visits of this feed contribute.

        All visits are drafted without a history first, because a contribution comes from a draft.
        Only the visits to which another visit contributes are then drafted a second time.
        """
        coded = [self._coded(key, NO_HISTORY) for key in self.feed]
        contributions = [item for visit in coded for item in self._contributed(visit)]
        history = histories(contributions)
        visits = tuple(
            self._coded(visit.timeline.key, history[visit.timeline.key])
            if visit.timeline.key in history
            else visit
            for visit in coded
        )
        set_aside = tuple(
            entry._replace(visit=self.feed.surviving(entry.visit))
            if entry.visit is not None
            else entry
            for entry in self.set_aside
        )
        return Run(
            visits=visits,
            read=self.read,
            used=self.used,
            duplicates=self.feed.duplicates,
            set_aside=set_aside,
            titles=self.rulebook.sources,
            oddities=tuple(sorted(self.oddities.values(), key=lambda each: (-each.messages, each))),
        )

    def _coded(self, key: VisitKey, history: History) -> CodedVisit:
        timeline = self.feed[key]
        drafted = draft(timeline, self.rulebook, history, policy=self.policy)
        return CodedVisit(timeline, drafted, history)

    def _contributed(self, visit: CodedVisit) -> tuple[Contribution, ...]:
        answered = with_answers(visit.timeline, self.rulebook.formulary)
        return contributions_of(answered, visit.draft)


def code_feed(
    files: Iterable[FeedFile],
    rulebook: Rulebook,
    profile: Profile,
    policy: str = "",
    answers: Sequence[Given] = (),
) -> Run:
    """Read the files of a feed and draft all its visits, after what people answered."""
    assembly = Assembly(rulebook, profile, policy)
    for file in files:
        assembly.add(file)
    assembly.add_answers(answers)
    return assembly.finish()
