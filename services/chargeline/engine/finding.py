"""One shape for whatever is wrong: what was expected, what was found, where, and what to do.

It owns that shape, its wording, and the closed list of codes with a sentence for each code
(docs/findings.md is made from the list). Exceptions, questions to a person, problems of a timeline,
messages that are set aside, and mistakes in rules and in settings all carry a `Finding`. It does
not know who reads a finding. `found` gives a name, a number, a length or a shape, and never the
content of a message, because findings are logged and published.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, NewType

RuleId = NewType("RuleId", str)
"""The id of a rule that asks a question. The code of the question is the id of the rule."""

FindingCode = Literal[
    # a message
    "message.empty",
    "message.no_msh",
    "message.delimiters",
    "message.cut_off",
    "message.encoding",
    "message.type",
    "message.fragment",
    "message.several",
    "message.segment",
    "message.two_patients",
    "message.too_many",
    "record.none",
    "message.unknown",
    "message.not_followed",
    "message.processing",
    "batch.count",
    "address.invalid",
    "identifier.invalid",
    "number.invalid",
    "status.unknown",
    "action.unknown",
    "time.impossible",
    "time.imprecise",
    "time.missing",
    "visit.missing",
    "profile.invalid",
    "interface.unknown",
    "clock.ahead",
    "clock.far_ahead",
    # a record of the inbound topic
    "key.disputed",
    "record.failed",
    "record.time",
    "record.not_taken",
    "record.too_large",
    "record.unreadable",
    "sender.quarantined",
    "visit.failed",
    # a timeline
    "correction.again",
    "correction.ambiguous",
    "correction.other_sender",
    "dose.disagrees",
    "dose.repeated",
    "start.missing",
    "stop.before_start",
    "time.twice",
    # a draft
    "code.none",
    "dose.missing",
    "dose.no_unit",
    "dose.unit",
    "drug.unknown",
    "time.long",
    "time.short",
    "time.push",
    "time.to_come",
    "time.one_moment",
    "time.outside_visit",
    "dose.ordered",
    "dose.twice",
    "dose.usual",
    "dose.other_visit",
    "note.contradicts",
    "fluid.purpose",
    "drug.not_ordered",
    "order.cancelled",
    "drug.no_code",
    "stop.paused",
    "port.alone",
    "initial.primary_reason",
    "initial.second_line",
    "role.clash",
    "role.none",
    "rule.clash",
    "rule.none",
    "stop.missing",
    "answer.invalid",
    "answer.outdated",
    "visit.cancelled",
    "visit.forgotten",
    "visit.two_patients",
    # rules, as a coder writes them
    "rules.absent",
    "rules.case",
    "rules.case_fails",
    "rules.choice",
    "rules.cite",
    "rules.clash",
    "rules.date",
    "rules.file",
    "rules.formulary",
    "rules.gap",
    "rules.id",
    "rules.interface",
    "rules.key",
    "rules.override",
    "rules.payer",
    "rules.policy",
    "rules.unproven",
    "rules.value",
    # settings
    "setting.conflict",
    "setting.unknown",
    "setting.value",
    "senders.file",
    "prices.file",
    "prices.row",
    # published tables
    "refdata.bundle",
    "refdata.conflict",
    "refdata.file",
    "refdata.formulary",
    "refdata.header",
    "refdata.package",
    "refdata.part",
    "refdata.quarter",
    "refdata.row",
    # the ledger
    "ledger.access_refused",
    "ledger.already_there",
    "ledger.bad_address",
    "ledger.batch_failed",
    "ledger.busy",
    "ledger.disk_full",
    "ledger.fenced",
    "ledger.key_gone",
    "ledger.key_missing",
    "ledger.key_unusable",
    "ledger.key_wrong",
    "ledger.not_a_ledger",
    "ledger.not_as_written",
    "ledger.not_found",
    "ledger.on_hold",
    "ledger.schema_too_new",
    "ledger.schema_too_old",
    "ledger.unexpected",
    "ledger.unreachable",
    "ledger.unstorable",
    # Kafka and other ways in and out
    "kafka.refused",
    "kafka.starting",
    "kafka.stopped_serving",
    "kafka.tls_files",
    "kafka.topic_recreated",
    "kafka.topic_refused",
    "kafka.topics_missing",
    "listen.refused",
    "output.refused",
    "stop.overdue",
    # a command
    "command.not_found",
    "command.unreadable",
]

MEANINGS: Mapping[FindingCode, str] = {
    "message.empty": "There are no bytes, or nothing but blanks.",
    "message.no_msh": "The text does not begin with an MSH segment.",
    "message.delimiters": "MSH-1 and MSH-2 do not give usable delimiters.",
    "message.cut_off": "The end of the message is missing.",
    "message.encoding": "The bytes are not text in the encoding that they begin with.",
    "message.type": "MSH-9 does not say what kind of message this is.",
    "message.fragment": "This is one part of a message that was sent in several.",
    "message.several": "There is more than one message where one was expected.",
    "message.segment": "A line is a segment but for blanks or small letters in its name.",
    "message.two_patients": "One message is about two patients or two visits.",
    "message.too_many": "A message has more lines than any message about care.",
    "record.none": "A message about administrations holds none that can be read.",
    "message.unknown": "Chargeline does not use messages of this type.",
    "message.not_followed": "A message moves or renames what chargeline cannot follow.",
    "message.processing": "The message is for training or debugging, and not about care.",
    "batch.count": "BTS-1 and the number of messages in the batch differ.",
    "address.invalid": "This is not an address such as PV1-19.1.",
    "identifier.invalid": "No ledger can keep this number of a message, a visit or a patient.",
    "number.invalid": "There is text where a number must stand.",
    "status.unknown": "The interface profile does not know this record status (RXA-21).",
    "action.unknown": "The interface profile does not know this word for what was done.",
    "time.impossible": "No clock shows this time.",
    "time.imprecise": "A time that minutes are billed from has no minutes.",
    "time.missing": "There is no time where one must stand.",
    "visit.missing": "A message about a visit has no visit number.",
    "profile.invalid": "An interface profile has a key or a value that it cannot have.",
    "interface.unknown": "The gateway names an interface profile that the rules do not have.",
    "clock.ahead": "A sender's clock runs ahead of the arrival of its messages.",
    "clock.far_ahead": "A message says that it was written more than a day after it arrived.",
    "key.disputed": "Two captures read different visit numbers in one message.",
    "record.failed": "chargeline made a mistake with one record.",
    "record.time": "The timestamp of a record is no time.",
    "record.not_taken": "The inbound topic does not take a record that we send to it ourselves.",
    "record.too_large": "A record has more bytes than a message may have.",
    "record.unreadable": "Our Kafka client cannot read a record.",
    "sender.quarantined": "Too many messages of this sender could not be used.",
    "visit.failed": "chargeline made a mistake with one visit.",
    "correction.again": "A row was sent again after another version of it.",
    "correction.ambiguous": "A correction or a void fits more than one administration.",
    "correction.other_sender": "A sender corrects or voids a row that another sender charted.",
    "dose.disagrees": "The stop charts another amount than the start.",
    "dose.repeated": "Rows that follow each other without a gap have the same amount.",
    "start.missing": "Something was paused or stopped that nobody started.",
    "stop.before_start": "A stop lies before its start.",
    "time.twice": "The local time occurs twice that night, because the clock was put back.",
    "code.none": "No table gives a code for this service on this day.",
    "dose.missing": "A dose has no amount.",
    "dose.no_unit": "A dose has an amount without a unit.",
    "dose.unit": "A dose is in a unit that does not convert to the drug's.",
    "drug.unknown": "The formulary does not know the drug.",
    "time.long": "An infusion ran much longer than ordered, or longer than a day.",
    "time.short": "A whole dose ran for a small part of its ordered time.",
    "time.push": "A push took longer than anybody pushes.",
    "time.to_come": "A stop lies after the message that reports it.",
    "time.one_moment": "One time is charted of a drug that is mostly infused.",
    "time.outside_visit": "A drug was given on a day outside its visit.",
    "dose.ordered": "The dose is far from the ordered dose.",
    "dose.twice": "The same bag seems to be charted twice.",
    "dose.usual": "The dose is larger than any that the label of the drug gives.",
    "dose.other_visit": "The same dose is charted under another visit of the patient.",
    "note.contradicts": "A note says otherwise than the row beside it.",
    "fluid.purpose": "A fluid counts as a rinse or an open vein, and was too much or too fast.",
    "drug.not_ordered": "Another drug was given than the order names.",
    "order.cancelled": "A drug was begun after its order was cancelled, held or replaced.",
    "drug.no_code": "The formulary knows the drug and has no billing code for it.",
    "stop.paused": "An infusion was paused and neither resumed nor stopped.",
    "port.alone": "A port was rinsed, and nothing else was given.",
    "initial.primary_reason": "Nothing says which service was the reason of the visit.",
    "initial.second_line": "Services ran into two access lines, and nobody says why.",
    "role.clash": "Two rules give one service two roles.",
    "role.none": "No rule gives the service a role in its place.",
    "rule.clash": "Two rules hold for the same facts.",
    "rule.none": "No rule holds for these facts.",
    "stop.missing": "An infusion has no stop time.",
    "answer.invalid": "An answer cannot be used: its choice or value is none of those offered.",
    "answer.outdated": "What a person said of a line is about another line than is drafted now.",
    "visit.cancelled": "A cancelled visit has administrations.",
    "visit.forgotten": "A message came for a visit that retention has removed.",
    "visit.two_patients": "One visit number belongs to two patients.",
    "rules.absent": "There is no folder of rules where one was looked for.",
    "rules.case": "A case is not written in the notation of rules/README.md.",
    "rules.case_fails": "A case does not hold.",
    "rules.choice": "A policy or an interface was asked for that does not exist.",
    "rules.cite": "A rule or a row names no source, or one that sources.toml does not have.",
    "rules.clash": "Two rules hold for the same facts, and neither overrides the other.",
    "rules.date": (
        "A first or last day is missing, or is not a date, or they are the wrong way round."
    ),
    "rules.file": "A file of the rules cannot be read.",
    "rules.formulary": "A row of a formulary cannot be used.",
    "rules.gap": "No rule decides these facts.",
    "rules.id": "Two rules have the same id, or a rule has none.",
    "rules.interface": "An interface profile has mistakes.",
    "rules.key": "A rule or a file has a key that is not in the vocabulary, or lacks one.",
    "rules.override": "A rule overrides one that does not exist or decides something else.",
    "rules.payer": "The table of payers names a policy that does not exist.",
    "rules.policy": "A policy has another name than its folder, or there is none.",
    "rules.unproven": "No case would fail if this answer were misspelt.",
    "rules.value": "A value is not one of the words, numbers or texts that may stand there.",
    "setting.conflict": "Two settings contradict each other.",
    "setting.unknown": "A variable has our prefix and is no setting.",
    "setting.value": "A setting has a value that it cannot have.",
    "senders.file": "The file of senders cannot be used.",
    "prices.file": "The price list cannot be read.",
    "prices.row": "A row of the price list cannot be used.",
    "refdata.bundle": "A bundle of published tables cannot be read, or would be overwritten.",
    "refdata.conflict": "Two rows of published tables contradict each other.",
    "refdata.file": "A file of published tables cannot be read.",
    "refdata.formulary": "A published table contradicts a row of the formulary.",
    "refdata.header": "A file is no published table that we use, or its header lacks a column.",
    "refdata.package": "The billing units of a package do not follow from its strength and size.",
    "refdata.part": "A part of a published table is missing.",
    "refdata.quarter": "A file says no quarter, or two that contradict each other.",
    "refdata.row": "A row of a published table cannot be used.",
    "ledger.access_refused": "The database does not let us in, or does not let us write.",
    "ledger.already_there": "A row that may be written once was written before.",
    "ledger.bad_address": "The address of the ledger is not one.",
    "ledger.batch_failed": "A step of a batch failed, so the batch cannot be committed.",
    "ledger.busy": "Another program holds what we need for too long.",
    "ledger.disk_full": "The database has no room.",
    "ledger.fenced": "A partition belongs to another program now.",
    "ledger.key_gone": "The data key that rows are encrypted with is in the ledger no more.",
    "ledger.key_missing": "The ledger is encrypted, and no key was given.",
    "ledger.key_unusable": "The key file or the key command gives no key.",
    "ledger.key_wrong": "The ledger is encrypted with another key.",
    "ledger.not_a_ledger": "The file is not a SQLite database.",
    "ledger.not_as_written": "Encrypted bytes were changed, or are another row's.",
    "ledger.not_found": "There is no such row.",
    "ledger.on_hold": "Something that is to be forgotten is under a legal hold.",
    "ledger.schema_too_new": "A newer chargeline has made the tables.",
    "ledger.schema_too_old": "The tables are missing, or an older chargeline has made them.",
    "ledger.unexpected": "The database refused for a reason that is not known here.",
    "ledger.unreachable": "No database answers, or the connection went away.",
    "ledger.unstorable": "A text cannot be kept by any database.",
    "kafka.refused": "Kafka does not let us in.",
    "kafka.starting": "Kafka answers, and does not come up.",
    "kafka.stopped_serving": "Kafka ended our work with an error.",
    "kafka.tls_files": "The certificates for Kafka cannot be used.",
    "kafka.topic_recreated": "A topic ends before the offset that the ledger has.",
    "kafka.topic_refused": "Kafka does not make a topic.",
    "kafka.topics_missing": "Kafka does not have a topic that we need, or hides it from us.",
    "listen.refused": "An address cannot be listened on.",
    "output.refused": "Events cannot be written to where they should go.",
    "stop.overdue": "The program did not end in its time and was broken off.",
    "command.not_found": "A command names something that is not there.",
    "command.unreadable": "A command names a file that cannot be read.",
}


class Finding(NamedTuple):
    """Something wrong, in words for the person who must do something about it.

    `where` is the field, the file or the variable; "" where there is no single place.
    """

    code: FindingCode | RuleId
    expected: str
    found: str
    where: str
    do: str

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}expected {self.expected}, found {self.found}; {self.do}"


class FindingError(Exception):
    """An error that says what was expected, found, where, and what to do; it may say several.

    `self` is declared as Any so that packages which are not compiled can derive their errors from
    this one where the engine is compiled with mypyc: a declared `self` would be checked to be of
    the compiled class itself.
    """

    findings: tuple[Finding, ...]

    def __init__(self: Any, *findings: Finding) -> None:
        assert findings, "an error has a reason"
        assert all(finding.code in MEANINGS for finding in findings), "its code is of the list"
        Exception.__init__(self, "\n".join(str(finding) for finding in findings))
        self.findings = findings

    @property
    def finding(self: Any) -> Finding:
        """The first finding, which is the only one of most errors."""
        first: Finding = self.findings[0]
        return first


EXCERPT_MOST = 60
"""So many characters of what a sender wrote into a drug, a unit or a route stand in a finding."""


def excerpt(text: str) -> str:
    """What a sender wrote, cut to 60 characters: free text may hold a patient's story.

    A text that is cut ends with an ellipsis, which is the 60th character.
    """
    return text if len(text) <= EXCERPT_MOST else f"{text[: EXCERPT_MOST - 1]}…"


def shape_of(text: str) -> str:
    """A text described without showing its content: `8 characters, digits and letters`."""
    if not text:
        return "nothing"
    different = set(text)
    kinds = [name for name, is_one in _KINDS_OF_CHARACTERS if any(map(is_one, different))]
    return f"{len(text)} character{'s' if len(text) > 1 else ''}, {' and '.join(kinds)}"


_KINDS_OF_CHARACTERS = (
    ("digits", str.isdigit),
    ("letters", str.isalpha),
    ("blanks", str.isspace),
    ("other signs", lambda c: not (c.isdigit() or c.isalpha() or c.isspace())),
)
