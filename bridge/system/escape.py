"""Texts from elsewhere, made harmless for a terminal and for the log."""

from __future__ import annotations


def safe(text: str) -> str:
    """`text` with everything that is neither printable nor a space as an escape such as \\x1b or \\u202e.

    Thus nothing can forge a line, move the cursor or turn the reading direction.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
