"""Scans that a person starts on the page: jobs like any other, fetched by the browser under a name nobody can guess."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from bridge.errors import JobNotFound, UsageError
from bridge.jobs.job import Job
from bridge.scanner.model import ColorMode, Format, InputSource
from bridge.served_scanner import ServedScanner

MAX_TRIALS = 32
"""Test scans remembered; the oldest is forgotten, its job goes on."""

PREVIEW_DPI = 75
"""Least resolution of a preview; the scanner's next one above is taken."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One test scan: its job, the scanner it is for, and whether it is only to be looked at."""

    served: ServedScanner
    job: Job
    preview: bool

    @property
    def format(self) -> Format:
        """What the file will be."""
        return self.job.order.request.format

    @property
    def file_name(self) -> str:
        """What it is saved as."""
        return f"scan-{self.job.id}{self.format.suffix}"


class Trials:
    """All test scans, by their names."""

    def __init__(self) -> None:
        self._trials: OrderedDict[str, Trial] = OrderedDict()

    def start(self, served: ServedScanner, wishes: dict[str, str], owner: str) -> str:
        """Put a scan into the queue; the result is its name.

        `wishes` has source, color, resolution and format as keywords, and a preview that is "yes". Raises UsageError
        for keywords that the scanner does not have, and what the queue refuses.
        """
        able = served.scanner.capabilities
        preview = wishes.get("preview") == "yes"
        try:
            source = InputSource(wishes.get("source", ""))
            color = ColorMode(wishes.get("color", ""))
            side = able.of(source)
        except (ValueError, KeyError) as error:
            raise UsageError("the scanner does not have this source or colour; load the page again") from error
        if preview:
            resolution = next((one for one in side.resolutions if one >= PREVIEW_DPI), side.resolutions[-1])
            format_ = picture_format(able.formats)
        else:
            resolution, format_ = _chosen(wishes, side.resolutions, able.formats)
        job = served.order_test(source, color, resolution, format_, owner)
        name = secrets.token_hex(16)
        self._trials[name] = Trial(served, job, preview)
        if len(self._trials) > MAX_TRIALS:
            self._trials.popitem(last=False)
        return name

    def get(self, name: str) -> Trial:
        """The test scan of that name. Raises JobNotFound."""
        trial = self._trials.get(name)
        if trial is None:
            raise JobNotFound("of this test scan any more; start a new one")
        return trial


def picture_format(formats: tuple[Format, ...]) -> Format:
    """The best of `formats` that a browser shows."""
    return next(each for each in (Format.JFIF, Format.EXIF, Format.PNG, *formats) if each in formats)


def _chosen(wishes: dict[str, Any], resolutions: tuple[int, ...], formats: tuple[Format, ...]) -> tuple[int, Format]:
    try:
        resolution, format_ = int(wishes.get("resolution", "")), Format(wishes.get("format", ""))
    except ValueError as error:
        raise UsageError("resolution and format are not as the page offers them; load it again") from error
    if resolution not in resolutions or format_ not in formats:
        raise UsageError("the scanner does not have this resolution or format; load the page again")
    return resolution, format_
