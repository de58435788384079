"""ETags of what the API shows: a hash of it, so that who has it already is told so in a line.

It owns how a tag is made and compared (RFC 9110, 8.8.3 and 13.1). A moment at which something was
read is no part of its tag, and the tag is then a weak one.
"""

from collections.abc import Set
from hashlib import sha256

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

JSON = "application/json"


def tag_of(shown: BaseModel, without: Set[str] = frozenset()) -> str:
    """The ETag of something, with some of its keys left out."""
    said = shown.model_dump_json(exclude=set(without))
    tag = f'"{sha256(said.encode()).hexdigest()[:32]}"'
    return f"W/{tag}" if without else tag


def has_it(request: Request, tag: str) -> bool:
    """Whether the caller has what a tag stands for: If-None-Match names it."""
    return _names(request.headers.get("if-none-match", ""), tag)


def holds(condition: str, tag: str) -> bool:
    """Whether If-Match names a tag; so does `*`. A weak one is never named."""
    return not tag.startswith("W/") and _names(condition, tag, weakly=False)


def _names(header: str, tag: str, *, weakly: bool = True) -> bool:
    named = [part.strip() for part in header.split(",")]
    if weakly:
        named, tag = [part.removeprefix("W/") for part in named], tag.removeprefix("W/")
    return "*" in named or tag in named


def shown(request: Request, what: BaseModel, without: Set[str] = frozenset()) -> Response:
    """Something in JSON with its ETag; 304 for a caller who has it."""
    tag = tag_of(what, without)
    headers = {"etag": tag}
    if has_it(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(what.model_dump_json(), media_type=JSON, headers=headers)
