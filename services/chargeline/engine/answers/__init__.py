"""What people answer, and what becomes of it: a question can be closed by a person.

An answer is an event like any other. It names a question, a choice from the closed list for that
question, and a value where the choice needs one. It is bound to the facts that were asked about by
a fingerprint: when the feed changes them, the answer holds no longer and the question is open
again. `offers` has the closed lists, `identity` the numbers and fingerprints, `values` what a value
may be, `standing` which answers hold, `applying` what an answer does to an administration,
`authorizations` what it does to an authorization, `settling` which questions are settled, `lines`
what people say of lines, and `consequences` what each choice would draft.
"""

from chargeline.engine.answers.applying import with_answers
from chargeline.engine.answers.identity import Asked, asked_in, fingerprint_of_line
from chargeline.engine.answers.lines import (
    LINE_OFFERS,
    last_words,
    with_word_on_lines,
    withheld_lines,
    words_of_no_line,
)
from chargeline.engine.answers.offers import Offer, offers_for, severity_of
from chargeline.engine.answers.settling import (
    none_in_silence,
    not_settled,
    settled,
    still_asked_of_visit,
)
from chargeline.engine.answers.standing import is_possible, said_of
from chargeline.engine.answers.values import charge_written, refusal

__all__ = [
    "LINE_OFFERS",
    "Asked",
    "Offer",
    "asked_in",
    "charge_written",
    "fingerprint_of_line",
    "is_possible",
    "last_words",
    "none_in_silence",
    "not_settled",
    "offers_for",
    "refusal",
    "said_of",
    "settled",
    "severity_of",
    "still_asked_of_visit",
    "with_answers",
    "with_word_on_lines",
    "withheld_lines",
    "words_of_no_line",
]
