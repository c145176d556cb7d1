"""What bounds a measurement, told from the processor time that each of those who take part took of it."""

from __future__ import annotations

import os
from collections.abc import Mapping

FULL = 0.85
"""From this share of its time on, a processor counts as fully used."""


def bound_of(wall_s: float, busy_s: float, parts: Mapping[str, float]) -> str:
    """In words: who took `wall_s`.

    `busy_s` is the processor time of the whole machine meanwhile, the scanner's driver included; `parts` are those
    whose own time is known. Each part has one thread, so it can fill one processor.
    """
    cores = os.cpu_count() or 1
    name, most = max(parts.items(), key=lambda part: part[1])
    shares = f"{name} {most / wall_s:.0%} of one"
    if most >= FULL * wall_s:
        return f"one processor: {shares}"
    if busy_s >= FULL * wall_s * cores:
        return f"all {cores} processors; most: {shares}"
    return f"waiting for each other, {busy_s / wall_s / cores:.0%} of {cores} processors; most: {shares}"
