"""The groups of benchmarks, and which pages each of them takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks import feeder, latency, pages, relay, startup, text, together
from benchmarks.table import Row
from bridge.scanner.model import Format

GROUPS = ("pages", "relay", "feeder", "together", "latency", "startup", "text")

RESOLUTIONS = (300, 600, 1200)
COLORS = ("RGB24", "Grayscale8")
BILEVEL = "BlackAndWhite1"
"""What formats that hold neither colour nor gray are measured with."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody wants measured; what is empty is the group's own choice."""

    formats: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    resolutions: tuple[int, ...] = ()
    rounds: int = 7


def measure(group: str, choice: Choice) -> Iterable[Row]:
    """The rows of a group."""
    if group == "pages":
        formats = choice.formats or tuple(each.value for each in Format)
        colors = choice.colors or (*COLORS, BILEVEL)
        return pages.rows(formats, colors, choice.resolutions or RESOLUTIONS, choice.rounds)
    if group == "relay":
        return relay.rows(choice.resolutions or RESOLUTIONS, choice.rounds)
    if group == "feeder":
        formats = choice.formats or ("jfif", "tiff-single-uncompressed")
        return feeder.rows(list(formats), list(choice.resolutions or (300,)), choice.rounds)
    if group == "together":
        return together.rows(list(choice.formats or ("jfif",)), list(choice.resolutions or (600,)), choice.rounds)
    if group == "latency":
        return latency.rows(choice.rounds, max(choice.resolutions or (1200,)))
    if group == "text":
        return text.rows(choice.rounds)
    return startup.rows(choice.rounds)
