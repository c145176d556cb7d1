"""Text from people, SANE and USB made fit for a field of DPWS metadata."""

from __future__ import annotations

import re

MAX_FIELD = 255
"""Longest text field in UTF-16 units, as Windows counts (DPWS MAX_FIELD_SIZE is 256; checklist 97 to 99)."""

_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


def field_text(text: str, limit: int = MAX_FIELD) -> str:
    """`text` on one line without what XML cannot hold, cut to `limit` UTF-16 units on a character boundary."""
    clean = " ".join(_UNFIT.sub(" ", text).split())
    return cut(clean, limit)


def framed(text: str, tail: str, limit: int = MAX_FIELD) -> str:
    """`text` followed by `tail`, cut to `limit` at the end of `text`, so that what the tail says is never lost.

    A tail that alone is too long is cut as well.
    """
    end = cut(tail, limit)
    return cut(text, limit - units(end)).rstrip() + end


def cut(text: str, limit: int) -> str:
    """The longest beginning of `text` that has at most `limit` UTF-16 units, without white space at its end."""
    while units(text) > limit:
        text = text[: len(text) - max(1, (units(text) - limit) // 2)]
    return text.rstrip()


def units(text: str) -> int:
    """How many UTF-16 code units `text` has."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
