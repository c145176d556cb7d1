"""The ticket of a scan that a person starts at the bridge itself, to see whether it works."""

from __future__ import annotations

from bridge.scanner.model import ColorMode, Format, InputSource
from bridge.wsscan import parameters as at
from bridge.wsscan.parameters import with_containers
from bridge.wsscan.ticket import ScanTicket

JOB_NAME = "Test scan"
USER = "status page"


def trial_ticket(source: InputSource, color: ColorMode, resolution: int, format_: Format) -> ScanTicket:
    """One image with these wishes; as with every ticket, what cannot be done is changed to what is closest."""
    leaves: dict[str, at.Value] = {
        at.FORMAT: format_.value,
        at.IMAGES: 1,
        at.SOURCE: source.value,
        at.FRONT + at.COLOR: color.value,
        at.FRONT + at.RESOLUTION_WIDTH: resolution,
        at.FRONT + at.RESOLUTION_HEIGHT: resolution,
    }
    return ScanTicket(name=JOB_NAME, user=USER, parameters=with_containers(leaves))
