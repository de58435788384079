"""All stories, in the order of their files.

It owns the list only; each story stands in the file of its subject.
"""

from tests.golden.stories_charting import CHARTING
from tests.golden.stories_corrections import CORRECTIONS
from tests.golden.stories_doubts import DOUBTS
from tests.golden.stories_drugs import DRUGS
from tests.golden.stories_encounters import ENCOUNTERS
from tests.golden.stories_radiation import RADIATION
from tests.golden.stories_regimens import REGIMENS
from tests.golden.stories_visits import VISITS

STORIES = [
    *CHARTING,
    *DOUBTS,
    *CORRECTIONS,
    *ENCOUNTERS,
    *REGIMENS,
    *DRUGS,
    *RADIATION,
    *VISITS,
]
