"""National Provider Identifiers: the ten digits by which payers know practitioners and places.

It owns their check digit, and knows nobody. The last digit checks the others by the formula of
Luhn, over 80840 and the ten digits (45 CFR 162.406; 80840 stands for health care in the United
States).
"""

import re

_TEN_DIGITS = re.compile(r"[12][0-9]{9}")
_PREFIX_SUM = 24  # what the digits 80840 add to the sum


def is_npi(text: str) -> bool:
    """Whether a text is a NPI: 1234567893 is one, and 1234567890 is not.

    From the right, every second digit counts twice, with 9 less if that is above 9. The sum of
    1234567893 is 24 + 3 + 9 + 8 + 5 + 6 + 1 + 4 + 6 + 2 + 2 = 70, which ends in 0.
    """
    if not _TEN_DIGITS.fullmatch(text):
        return False
    total = _PREFIX_SUM
    for place, digit in enumerate(map(int, reversed(text))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
