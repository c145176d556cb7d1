"""What holds for every ticket and every scanner, whatever somebody dreams up."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import ConflictingParameters, FormatNotSupported
from bridge.scanner.model import (
    Capabilities,
    ColorMode,
    Format,
    InputSource,
    Resolution,
    Size,
    SourceCapabilities,
    pixels,
)
from bridge.wsscan import parameters as at
from bridge.wsscan.agreement import Agreement, Mark
from bridge.wsscan.area import ROUNDING
from bridge.wsscan.default_ticket import default_ticket
from bridge.wsscan.negotiate import negotiate
from bridge.wsscan.offer import Offer
from bridge.wsscan.parameters import BACK, FRONT, LEAVES, Kind, Leaf
from bridge.wsscan.ticket import ScanTicket
from tests.fakes.scan_service import FORMAT_COLORS, scan_offer
from tests.fakes.tickets import wishes

RESOLUTIONS = (50, 75, 100, 150, 200, 300, 400, 600, 1200, 2400)
CARRIERS = sorted(at.CARRIERS)


@st.composite
def sides(draw: st.DrawFn) -> SourceCapabilities:
    """One source of some scanner."""
    width, height = draw(st.integers(500, 13000)), draw(st.integers(500, 20000))
    numbers = tuple(sorted(draw(st.sets(st.sampled_from(RESOLUTIONS), min_size=1))))
    colors = tuple(draw(st.lists(st.sampled_from(list(ColorMode)), min_size=1, unique=True)))
    least = Size(draw(st.integers(1, width)), draw(st.integers(1, height)))
    return SourceCapabilities(Resolution(numbers[-1], numbers[-1]), numbers, colors, least, Size(width, height))


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    """What some scanner offers: at least one source, and formats that its colours can fill."""
    platen = draw(st.none() | sides())
    front = draw(sides()) if platen is None else draw(st.none() | sides())
    back = None if front is None else draw(st.none() | sides())
    colors = {color for side in (platen, front) if side is not None for color in side.colors}
    fillable = [name for name in Format if colors & FORMAT_COLORS[name]]
    formats = draw(st.lists(st.sampled_from(fillable), min_size=1, unique=True))
    capabilities = Capabilities(
        tuple(formats), platen, front, back, brightness=draw(st.booleans()), contrast=draw(st.booleans())
    )
    return scan_offer(capabilities)


def values(leaf: Leaf) -> st.SearchStrategy[at.Value]:
    """What a client might write into `leaf`: mostly sense, sometimes none."""
    if leaf.kind is Kind.BOOLEAN:
        return st.booleans()
    if leaf.kind is Kind.KEYWORD:
        return st.sampled_from([*leaf.words, "vnd:other"])
    bounded = st.integers(leaf.lowest, min(leaf.highest, 14000))
    usual = st.sampled_from([0, 1, 100, 300, 600, 8500, 11700])
    return bounded | usual | st.integers(-2, 3 * 10**9)


@st.composite
def tickets(draw: st.DrawFn) -> ScanTicket:
    """Some ticket, in the shapes that the reader lets through: one alternative of each choice, no half containers."""
    paths = draw(st.sets(st.sampled_from(sorted(LEAVES))))
    for switch, other in at.CHOICES.items():
        if switch in paths:
            paths = {path for path in paths if not path.startswith(other)}
    for container, children in at.REQUIRED.items():
        if any(path.startswith(container + "/") for path in paths):
            paths |= {f"{container}/{name}" for name in children} & LEAVES.keys()
    honored = draw(st.sets(st.sampled_from(CARRIERS)))
    return wishes({path: draw(values(LEAVES[path])) for path in sorted(paths)}, honored)


def loaded(offer: Offer) -> InputSource:
    """Where the paper is: the last of the sources."""
    return offer.sources[-1]


def agree(ticket: ScanTicket, offer: Offer) -> Agreement | None:
    """The agreement, None where the ticket contradicts itself or names a format that is not offered."""
    try:
        return negotiate(ticket, offer, lambda: loaded(offer))
    except (ConflictingParameters, FormatNotSupported):
        return None


@given(ticket=tickets(), offer=offers())
@settings(deadline=None)
@pytest.mark.conformance(147, 162, 163, 174)
def test_final_parameters_are_within_the_offer(ticket: ScanTicket, offer: Offer) -> None:
    """Whatever is asked for, what comes is something the scanner can do, and every final value is there."""
    agreement = agree(ticket, offer)
    if agreement is None:
        return
    request, final = agreement.request, {path: leaf.value for path, leaf in agreement.final.items()}
    side = offer.side(request.source)
    assert request.color in offer.colors(request.source, request.format)
    assert request.resolution.width == request.resolution.height
    assert request.resolution.width in side.resolutions
    region = request.region
    assert region.x >= 0
    assert region.x + region.width <= min(side.maximum.width, int(final[at.MEDIA_WIDTH]))
    assert region.y >= 0
    assert region.y + region.height <= min(side.maximum.height, int(final[at.MEDIA_HEIGHT]))
    assert region.width >= side.minimum.width
    assert region.height >= side.minimum.height
    assert 1 <= request.quality <= 100
    assert -1000 <= request.brightness <= 1000
    assert offer.capabilities.contrast or not request.contrast
    assert request.width == agreement.image.pixels_per_line == pixels(region.width, request.resolution.width)
    assert request.height == agreement.image.number_of_lines == pixels(region.height, request.resolution.height)
    expected = {path for path in LEAVES if request.source is InputSource.ADF_DUPLEX or not path.startswith(BACK)}
    assert final.keys() == expected - {at.SIZE_AUTO_DETECT, at.AUTO_EXPOSURE, at.FILM_SCAN_MODE}


@given(ticket=tickets(), offer=offers())
@settings(deadline=None)
@pytest.mark.conformance(144, 145, 146, 147)
def test_every_mark_tells_the_truth(ticket: ScanTicket, offer: Offer) -> None:
    """A value without a mark is the one asked for; a default was not asked for; nothing honoured is altered unsaid."""
    agreement = agree(ticket, offer)
    if agreement is None:
        return
    switched = {at.MEDIA_WIDTH, at.MEDIA_HEIGHT} if ticket.switch(at.SIZE_AUTO_DETECT) else set()
    switched |= {at.CONTRAST, at.BRIGHTNESS, at.SHARPNESS} if ticket.switch(at.AUTO_EXPOSURE) else set()
    for path, final in agreement.final.items():
        # A back that is not given is that of the front, with what is honoured there.
        asked_at = FRONT + path.removeprefix(BACK) if path.startswith(BACK) and ticket.value(path) is None else path
        wanted = ticket.value(asked_at)
        if final.mark is Mark.TAKEN:
            assert final.value == wanted
        elif final.mark is Mark.DEFAULT:
            assert wanted is None
        elif path not in switched:
            assert wanted != final.value
            honored = ticket.honors(asked_at) and final.mark is Mark.ALTERED and wanted != 0
            assert agreement.refusals or not honored


@given(ticket=tickets(), offer=offers())
@settings(deadline=None)
@pytest.mark.conformance(167, 168, 173)
def test_the_corrected_ticket_is_valid(ticket: ScanTicket, offer: Offer) -> None:
    """The ticket that comes back from validation has the same elements, is valid, and makes the same image."""
    agreement = agree(ticket, offer)
    if agreement is None:
        return
    corrected = agreement.corrected
    assert (corrected.parameters or {}).keys() == (ticket.parameters or {}).keys()
    again = agree(corrected, offer)
    assert again is not None
    assert again.valid
    assert again.image == agreement.image
    assert again.request == agreement.request
    assert agreement.valid == (not agreement.refusals and corrected.parameters == ticket.parameters)


@given(offer=offers())
@settings(deadline=None)
@pytest.mark.conformance(131, 132)
def test_the_default_ticket_is_valid(offer: Offer) -> None:
    """Every scanner's default ticket can be used as it is, also when everything in it must be honoured."""
    ticket = default_ticket(offer)
    for candidate in (ticket, wishes({path: ticket.value(path) or 0 for path in LEAVES if path in ticket}, CARRIERS)):
        agreement = agree(candidate, offer)
        assert agreement is not None
        assert agreement.valid
        assert not agreement.altered


@given(ticket=tickets(), offer=offers(), shift=st.integers(1, ROUNDING))
@settings(deadline=None)
def test_a_valid_ticket_stays_valid_after_rounding(ticket: ScanTicket, offer: Offer, shift: int) -> None:
    """A region that an application's rounding pushes over the edge of the bed is as valid as before."""
    agreement = agree(ticket, offer)
    if agreement is None or FRONT + at.REGION_WIDTH not in ticket or at.MEDIA_WIDTH in ticket:
        return
    side = offer.side(agreement.request.source)
    edge = side.maximum.width - agreement.request.region.x
    if edge - ROUNDING < side.minimum.width:
        return
    corrected = agreement.corrected
    pushed = wishes(
        {
            **{path: value for path, value in (corrected.parameters or {}).items() if value is not None},
            FRONT + at.REGION_WIDTH: edge + shift,
            **({BACK + at.REGION_WIDTH: edge + shift} if BACK + at.REGION_WIDTH in ticket else {}),
        },
        corrected.honored,
    )
    again = agree(pushed, offer)
    assert again is not None
    assert again.valid
    assert again.request.region.width == edge
