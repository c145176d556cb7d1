"""What a person asks of a scan, in plain words or in the standard's (design: command line)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeVar

from bridge.errors import UsageError
from bridge.scanner.model import ColorMode, Format, InputSource

JPEG = (Format.JFIF, Format.EXIF)
TIFF = (Format.TIFF_SINGLE_UNCOMPRESSED, Format.TIFF_SINGLE_G4)
ANY = (*JPEG, Format.PNG, *TIFF, Format.DIB)
"""What is tried, in this order, when neither --format nor a file's ending says anything."""

MAX_RESOLUTION = 100_000
MAX_PAGES = 2**31 - 1
"""ImagesToTransfer is an xs:int (wsd-scan.md 5.2)."""

_FORMAT_ALIASES: dict[str, tuple[Format, ...]] = {
    "jpeg": JPEG,
    "jpg": JPEG,
    "tiff": TIFF,
    "tif": TIFF,
    "bmp": (Format.DIB,),
    "pdf": (Format.PDF_A,),
}
_COLOR_ALIASES = {
    "color": ColorMode.RGB_24,
    "colour": ColorMode.RGB_24,
    "gray": ColorMode.GRAYSCALE_8,
    "grey": ColorMode.GRAYSCALE_8,
    "lineart": ColorMode.BLACK_AND_WHITE_1,
}
_SOURCE_ALIASES = {
    "glass": InputSource.PLATEN,
    "flatbed": InputSource.PLATEN,
    "feeder": InputSource.ADF,
    "duplex": InputSource.ADF_DUPLEX,
}
_ENDINGS: dict[str, tuple[Format, ...]] = {
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".jpe": JPEG,
    ".png": (Format.PNG,),
    ".tif": TIFF,
    ".tiff": TIFF,
    ".bmp": (Format.DIB,),
    ".dib": (Format.DIB,),
    ".pdf": (Format.PDF_A,),
}

Word = TypeVar("Word", bound=Enum)


def plain_word(word: Format | ColorMode | InputSource) -> str:
    """What a person may type for `word`, with the standard's keyword behind it where that is another."""
    aliases: dict[str, tuple[Enum, ...]] = {
        **_FORMAT_ALIASES,
        **{alias: (color,) for alias, color in _COLOR_ALIASES.items()},
        **{alias: (source,) for alias, source in _SOURCE_ALIASES.items()},
    }
    plain = next((alias for alias, words in aliases.items() if word in words), None)
    return word.value if plain is None else f"{plain} ({word.value})"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for; None is left to the scanner.

    `formats` are those that will do, the best first. `pages` is 0 for all that there are.
    """

    output: Path | None = None
    formats: tuple[Format, ...] = ANY
    resolution: int | None = None
    color: ColorMode | None = None
    source: InputSource | None = None
    pages: int | None = None


def read_wishes(
    *,
    output: str | None = None,
    format: str | None = None,
    resolution: int | None = None,
    color: str | None = None,
    source: str | None = None,
    pages: int | None = None,
) -> Wishes:
    """The wishes behind the words of the command line. Raises UsageError for words that mean nothing."""
    if resolution is not None and not 1 <= resolution <= MAX_RESOLUTION:
        raise UsageError(f"--resolution {resolution}: expected pixels per inch, such as 300")
    if pages is not None and not 0 <= pages <= MAX_PAGES:
        raise UsageError(f"--pages {pages}: expected a number of pages, or 0 for all")
    path = None if output is None else Path(output)
    chosen_source = _keyword("--source", source, InputSource, _SOURCE_ALIASES)
    if chosen_source is InputSource.PLATEN and pages not in (None, 0, 1):
        raise UsageError(f"--pages {pages}: the glass holds one page; leave --source out or say --source feeder")
    return Wishes(
        output=path,
        formats=_formats(format, path),
        resolution=resolution,
        color=_keyword("--color", color, ColorMode, _COLOR_ALIASES),
        source=chosen_source,
        pages=pages,
    )


def _formats(word: str | None, output: Path | None) -> tuple[Format, ...]:
    """The formats that do, from --format, else from the ending of the file's name."""
    if word is not None:
        if word.lower() in _FORMAT_ALIASES:
            return _FORMAT_ALIASES[word.lower()]
        exact = _keyword("--format", word, Format, {alias: formats[0] for alias, formats in _FORMAT_ALIASES.items()})
        return ANY if exact is None else (exact,)
    ending = "" if output is None else output.suffix.lower()
    if not ending:
        return ANY
    if ending not in _ENDINGS:
        known = ", ".join(_ENDINGS)
        raise UsageError(f"{output}: the ending {ending} names no format; use one of {known}, or --format")
    return _ENDINGS[ending]


def _keyword(option: str, word: str | None, keywords: type[Word], aliases: dict[str, Word]) -> Word | None:
    """The keyword that `word` stands for, in any spelling of capitals."""
    if word is None:
        return None
    for keyword in keywords:
        if word.lower() == str(keyword.value).lower():
            return keyword
    if word.lower() in aliases:
        return aliases[word.lower()]
    known = ", ".join([*aliases, *(str(keyword.value) for keyword in keywords)])
    raise UsageError(f"{option} {word}: expected one of {known}")
