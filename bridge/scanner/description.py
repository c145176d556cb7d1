"""Asking an open device what it can do."""

from __future__ import annotations

import sys

from bridge.scanner.capabilities import capabilities
from bridge.scanner.descriptors import Options
from bridge.scanner.failure import ScanFailure
from bridge.scanner.model import Capabilities, ColorMode, InputSource
from bridge.scanner.modes import choose, modes
from bridge.scanner.options import PAPER_OPTIONS, Adjustable, choose_source
from bridge.scanner.protocol import Status
from bridge.scanner.quirks import NO_QUIRKS, Quirks
from bridge.scanner.sources import source_settings

_USUAL = ColorMode.RGB_24
"""The mode in which ranges are read; some devices have others for lineart."""


def describe(device: Adjustable, kind: str = "", quirks: Quirks = NO_QUIRKS) -> Capabilities:
    """What `device` can do; chooses each of its sources in turn, because ranges change with it.

    `kind` is what SANE lists it as. Raises ScanFailure when not one source can be chosen.
    """
    dumps: dict[InputSource, Options] = {}
    refusal = ScanFailure(Status.UNSUPPORTED, "The scanner has no source that can be used.")
    for source in source_settings(device.options(), kind, quirks):
        try:
            dumps[source] = _dump(device, source, kind, quirks)
        except ScanFailure as failure:
            if failure.status not in (Status.INVALID, Status.UNSUPPORTED):
                raise
            # Standard error is the log: a quirks file that names what is not there shows here.
            print(f"{source.value} cannot be chosen: {failure.message}", file=sys.stderr)
            refusal = failure
    if InputSource.ADF not in dumps:
        # The scan service describes both sides as something that a feeder for one side can do as well.
        dumps.pop(InputSource.ADF_DUPLEX, None)
    if not dumps:
        raise refusal
    return capabilities(dumps)


def _dump(device: Adjustable, source: InputSource, kind: str, quirks: Quirks) -> Options:
    choose_source(device, source, kind, quirks)
    for name in PAPER_OPTIONS:
        option = device.options().usable(name)
        # The sheet bounds the region, so the largest sheet shows the largest region.
        if option is not None and option.range is not None:
            device.set(option, option.range.maximum)
    for name, value in choose(modes(device.options()), _USUAL).settings:
        option = device.options().usable(name)
        if option is not None:
            device.set(option, value)
    return device.options()
