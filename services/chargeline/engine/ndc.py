"""National Drug Codes in the form in which claims carry them: eleven digits, 5-4-2.

It owns the padding of the ten-digit forms, in which a hyphen tells which part is short. It knows no
drug and no table. Ten digits without hyphens are not padded: they could mean three packages, so a
person must say which. Source: FDA's ten-digit formats, and the 5-4-2 format of HIPAA claims.
"""

import re

_HYPHENATED = re.compile(r"([0-9]{4,5})-([0-9]{3,4})-([0-9]{1,2})")
_ELEVEN = re.compile(r"[0-9]{11}")
_LENGTHS = {(4, 4, 2), (5, 3, 2), (5, 4, 1), (5, 4, 2)}


def ndc11(text: str) -> str | None:
    """The eleven digits of an NDC; None where the text is none, or could mean several.

    `0002-1433-80`, `00002-1433-80` and `00002143380` are all `00002143380`; `0002143380` is None.
    """
    stripped = text.strip()
    if _ELEVEN.fullmatch(stripped):
        return stripped
    match = _HYPHENATED.fullmatch(stripped)
    if match is None:
        return None
    labeler, product, package = match.groups()
    if (len(labeler), len(product), len(package)) not in _LENGTHS:
        return None
    return labeler.zfill(5) + product.zfill(4) + package.zfill(2)


def hyphenated(ndc: str) -> str:
    """Eleven digits as people read them: 00002-1433-80."""
    return f"{ndc[:5]}-{ndc[5:9]}-{ndc[9:]}"
