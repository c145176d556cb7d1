"""The one error the checks raise, and how a piece of a message is shown in it."""

import re

from lxml import etree

from tests.schema.tables import PREFIXES

PIECE_LIMIT = 700  # characters of the offending piece that a message shows


class SchemaViolation(AssertionError):
    """A message that Scanbridge must not send. Its text names what is wrong and shows the piece."""


def shown(piece: etree._Element | bytes | str) -> str:
    """Return `piece` as text of at most PIECE_LIMIT characters, for an error message."""
    if isinstance(piece, bytes):
        text = piece.decode("utf-8", "backslashreplace")
    elif isinstance(piece, str):
        text = piece
    else:
        text = etree.tostring(piece, encoding="unicode", with_tail=False)
        text = re.sub(r' xmlns:(\w+)="([^"]*)"', _unless_usual, text)
    return text if len(text) <= PIECE_LIMIT else f"{text[:PIECE_LIMIT]}... ({len(text)} characters)"


def violation(what: str, piece: etree._Element | bytes | str) -> SchemaViolation:
    """Return a SchemaViolation that says `what` is wrong and shows `piece`."""
    return SchemaViolation(f"{what}\nin: {shown(piece)}")


def _unless_usual(declaration: re.Match[str]) -> str:
    """Return nothing for a prefix that has its usual namespace: ten of them hide the piece itself."""
    return "" if PREFIXES.get(declaration[2]) == declaration[1] else declaration[0]
