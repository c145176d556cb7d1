"""From what a ticket asks for to what a scanner will do (wsd-scan.md 7.2, 7.3, 8 and 9.2).

One rule holds for every parameter: the closest value that can be done is chosen; where it is not the one asked for, the
final parameters say so, a ticket under validation is not valid, and a parameter that must be honoured is refused.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.errors import ConflictingParameters, FormatNotSupported, InvalidArgument
from bridge.scanner.model import ColorMode, Format, InputSource, Region, Resolution, ScanRequest, Size, pixels
from bridge.wsscan import parameters as at
from bridge.wsscan.agreement import Agreement, Final, Mark, promised_image
from bridge.wsscan.area import ROUNDING, Span, fit_length, fit_span
from bridge.wsscan.colors import closest_color
from bridge.wsscan.offer import CONTENT_TYPES, HIGHEST_QUALITY, LOWEST_QUALITY, ROTATIONS, SCALING_PERCENT, Offer
from bridge.wsscan.parameters import BACK, FRONT, LEAVES, Kind, Value
from bridge.wsscan.ticket import ScanTicket

NOT_APPLICABLE = "NotApplicable"
"""The FilmScanMode of a scanner without a film unit."""

_ALL_WHEN_ZERO = (
    at.MEDIA_WIDTH,
    at.MEDIA_HEIGHT,
    *(side + name for side in (FRONT, BACK) for name in (at.REGION_WIDTH, at.REGION_HEIGHT)),
)
"""Lengths of which 0 means everything; the schema does not allow it, some clients send it."""


def negotiate(ticket: ScanTicket, offer: Offer, loaded_source: Callable[[], InputSource]) -> Agreement:
    """What `ticket` gets from a scanner that makes `offer`.

    `loaded_source` is asked when the ticket names nothing but a format. Raises FormatNotSupported for a format that is
    not offered, or not for so large a region, whether it must be honoured or not (checklist 160), and
    ConflictingParameters for two parameters that must be honoured and exclude each other (checklist 169).
    """
    return _Negotiation(ticket, offer, loaded_source).outcome()


def nearest(wanted: int, offered: tuple[int, ...]) -> int:
    """The number of `offered` that is closest to `wanted`, the higher one of two."""
    return min(offered, key=lambda number: (abs(number - wanted), -number))


class _Negotiation:
    """One negotiation: decides parameter after parameter, each with what was decided before."""

    def __init__(self, ticket: ScanTicket, offer: Offer, loaded_source: Callable[[], InputSource]) -> None:
        self._ticket = ticket
        self._offer = offer
        self._loaded_source = loaded_source
        self._final: dict[str, Final] = {}
        self._refusals: list[InvalidArgument] = []
        self._corrections: dict[str, Value] = {}
        self._two_sided = False

    def outcome(self) -> Agreement:
        """Decide everything."""
        ticket, offer = self._ticket, self._offer
        for stranger in ticket.strangers:
            self._refuse("DocumentParameters", f"{stranger} must be honoured and is not known here")
        source = self._source()
        self._two_sided = source is InputSource.ADF_DUPLEX
        format_ = self._format(source)
        color = self._color(source, format_)
        side = offer.side(source)
        region = self._region(side.minimum, side.maximum)
        resolution = self._resolution(source, format_, color, region)
        contrast, brightness = self._exposure()
        self._settle(at.SCALING_WIDTH, SCALING_PERCENT)
        self._settle(at.SCALING_HEIGHT, SCALING_PERCENT)
        self._settle(at.ROTATION, ROTATIONS[0])
        self._settle(at.CONTENT_TYPE, CONTENT_TYPES[0])
        self._film()
        quality = self._quality(format_)
        images = self._images(source, format_)
        image = promised_image(region, resolution, format_, color, two_sided=self._two_sided)
        return Agreement(
            ticket=ticket,
            final=self._final,
            request=ScanRequest(
                source=source,
                color=color,
                format=format_,
                resolution=resolution,
                region=region,
                width=image.pixels_per_line,
                height=image.number_of_lines,
                quality=max(quality, LOWEST_QUALITY),
                brightness=brightness,
                contrast=contrast,
                images=images if format_.multi_page and source.is_feeder else 1,
                file_header=offer.dib_file_header,
                media=self._sheet(),
            ),
            images=images,
            image=image,
            refusals=tuple(self._refusals),
            corrections=self._corrections,
        )

    # -- one parameter after the other -----------------------------------------------------------

    def _source(self) -> InputSource:
        wanted = self._ticket.keyword(at.SOURCE)
        default = self._offer.default_source
        if set(self._ticket.parameters or ()) == {at.FORMAT}:
            loaded = self._loaded_source()
            default = loaded if loaded in self._offer.sources else default
        chosen = next((source for source in self._offer.sources if source.value == wanted), None)
        if chosen is None and wanted == InputSource.ADF_DUPLEX.value and InputSource.ADF in self._offer.sources:
            chosen = InputSource.ADF
        if chosen is None:
            chosen = self._source_for_format(default)
        self._settle(at.SOURCE, chosen.value)
        return chosen

    def _source_for_format(self, default: InputSource) -> InputSource:
        """`default`, or another source when only that can fill the format that the ticket names."""
        wanted = self._ticket.keyword(at.FORMAT)
        for source in (default, *self._offer.sources):
            if wanted is None or any(wanted == format_.value for format_ in self._offer.formats_of(source)):
                return source
        return default

    def _format(self, source: InputSource) -> Format:
        wanted = self._ticket.keyword(at.FORMAT)
        offered = self._offer.formats_of(source)
        if wanted is None:
            asked = self._wish(at.COLOR)
            color = next((color for color in ColorMode if color.value == asked), None)
            chosen = self._offer.default_format(source, color)
        else:
            found = next((format_ for format_ in offered if format_.value == wanted), None)
            if found is None:
                raise FormatNotSupported(wanted, [format_.value for format_ in offered])
            chosen = found
        self._settle(at.FORMAT, chosen.value)
        return chosen

    def _color(self, source: InputSource, format_: Format) -> ColorMode:
        wanted = self._wish(at.COLOR)
        offered = self._offer.colors(source, format_)
        default = self._offer.default_color(source, format_)
        chosen = default if wanted is None else closest_color(str(wanted), offered, default)
        if (
            self._must(at.COLOR)
            and self._ticket.honors(at.FORMAT)
            and wanted != chosen.value
            and any(color.value == wanted for color in self._offer.side(source).colors)
        ):
            raise ConflictingParameters(f"a file of the format {format_.value} cannot hold {wanted}")
        self._settle_side(at.COLOR, chosen.value)
        return chosen

    def _region(self, minimum: Size, maximum: Size) -> Region:
        """The scan region, and the media size that it lies on."""
        across = self._axis(at.MEDIA_WIDTH, at.REGION_X, at.REGION_WIDTH, minimum.width, maximum.width)
        along = self._axis(at.MEDIA_HEIGHT, at.REGION_Y, at.REGION_HEIGHT, minimum.height, maximum.height)
        self._switch_off(at.SIZE_AUTO_DETECT, (at.MEDIA_WIDTH, at.MEDIA_HEIGHT))
        return Region(across.offset, along.offset, across.length, along.length)

    def _sheet(self) -> Size | None:
        """The sheet that the ticket names, None when it names none: the largest possible one would be a guess."""
        if self._ticket.number(at.MEDIA_WIDTH) is None or self._ticket.number(at.MEDIA_HEIGHT) is None:
            return None
        return Size(int(self._final[at.MEDIA_WIDTH].value), int(self._final[at.MEDIA_HEIGHT].value))

    def _axis(self, media: str, offset: str, length: str, least: int, most: int) -> Span:
        """One axis. A region that leaves the media makes the media larger, unless that must be honoured: sane-airscan
        tells the size of its region for the size of the media, wherever the region begins."""
        wanted = self._ticket.number(media)
        paper, rounded = fit_length(wanted, least, most)
        long = self._wished_number(length)
        if self._ticket.honors(media):
            if self._must(length) and long is not None and paper + ROUNDING < long <= most:
                raise ConflictingParameters("the scan region is larger than the input media")
            most = paper
        span = fit_span(
            self._wished_number(offset),
            long,
            paper,
            least,
            most,
            keep_offset=self._must(offset),
            keep_length=self._must(length),
        )
        if span.outside:
            self._refuse(offset.rpartition("/")[2], "the scan region lies outside of what can be scanned")
        self._settle_side(offset, span.offset)
        self._settle_side(length, span.length, adapted=span.rounded)
        if span.end > paper:
            rounded, paper = wanted == paper, span.end
        self._settle(media, paper, adapted=rounded)
        return span

    def _resolution(self, source: InputSource, format_: Format, color: ColorMode, region: Region) -> Resolution:
        """The resolution, equal in both directions: scanners deliver nothing else.

        Raises FormatNotSupported when another format could hold so many pixels and this one cannot (design, spool).
        """
        fitting = self._fitting(source, format_, color, region)
        across, along = self._wished_number(at.RESOLUTION_WIDTH), self._wished_number(at.RESOLUTION_HEIGHT)
        wanted = across
        if across is not None and along is not None and across != along:
            both = self._must(at.RESOLUTION_WIDTH) and self._must(at.RESOLUTION_HEIGHT)
            if both and across in fitting and along in fitting:
                raise ConflictingParameters("the resolution must be the same in both directions")
            if self._must(at.RESOLUTION_HEIGHT) and not self._must(at.RESOLUTION_WIDTH):
                wanted = along
        number = self._offer.defaults.resolution if wanted is None else wanted
        chosen = nearest(number, self._offer.side(source).resolutions)
        if chosen not in fitting:
            others = self._formats_for(source, color, region, (chosen,) if fitting else None)
            if not fitting or (wanted is not None and others):
                raise FormatNotSupported(format_.value, others)
            chosen = nearest(number, fitting)
        self._settle_side(at.RESOLUTION_WIDTH, chosen)
        self._settle_side(at.RESOLUTION_HEIGHT, chosen)
        return Resolution(chosen, chosen)

    def _formats_for(
        self, source: InputSource, color: ColorMode, region: Region, resolutions: tuple[int, ...] | None
    ) -> list[str]:
        """The formats in which `region` can be made at one of `resolutions`, or at any when that is None."""
        return [
            name.value
            for name in self._offer.formats_of(source)
            if color in self._offer.colors(source, name)
            and any(
                resolutions is None or number in resolutions
                for number in self._fitting(source, name, color, region)
            )
        ]

    def _fitting(self, source: InputSource, format_: Format, color: ColorMode, region: Region) -> tuple[int, ...]:
        """The resolutions at which a file of `format_` can be made of `region`."""
        return tuple(
            number
            for number in self._offer.side(source).resolutions
            if self._offer.fits(source, format_, color, pixels(region.width, number), pixels(region.height, number))
        )

    def _exposure(self) -> tuple[int, int]:
        """Contrast and brightness."""
        abilities = self._offer.capabilities
        found = []
        for path, able in ((at.CONTRAST, abilities.contrast), (at.BRIGHTNESS, abilities.brightness)):
            wanted = self._ticket.number(path) or 0
            found.append(max(LEAVES[path].lowest, min(wanted, LEAVES[path].highest)) if able else 0)
            self._settle(path, found[-1])
        self._settle(at.SHARPNESS, 0)
        self._switch_off(at.AUTO_EXPOSURE, (at.CONTRAST, at.BRIGHTNESS, at.SHARPNESS))
        return found[0], found[1]

    def _quality(self, format_: Format) -> int:
        wanted = self._ticket.number(at.QUALITY)
        if wanted is None:
            chosen = self._offer.default_quality(format_)
        else:
            chosen = max(0, min(wanted, HIGHEST_QUALITY)) if format_.lossy else HIGHEST_QUALITY
        self._settle(at.QUALITY, chosen)
        return chosen

    def _images(self, source: InputSource, format_: Format) -> int:
        """ImagesToTransfer; the glass holds one image, and only a new request can mean another sheet on it."""
        chosen = max(0, min(self._ticket.number(at.IMAGES) or 0, LEAVES[at.IMAGES].highest))
        if format_.multi_page and not source.is_feeder:
            chosen = min(chosen, 1)
        self._settle(at.IMAGES, chosen)
        return chosen

    def _film(self) -> None:
        """There is no film unit: FilmScanMode means nothing here, unless it must."""
        wanted = self._ticket.keyword(at.FILM_SCAN_MODE)
        if wanted not in (None, NOT_APPLICABLE) and self._ticket.honors(at.FILM_SCAN_MODE):
            self._refuse(at.FILM_SCAN_MODE, "there is no film unit")
            self._corrections[at.FILM_SCAN_MODE] = NOT_APPLICABLE

    # -- what all parameters have in common ------------------------------------------------------

    def _settle(self, path: str, chosen: Value, *, adapted: bool = False) -> None:
        """Write down that `path` becomes `chosen`, and what that means for the ticket."""
        wanted = self._ticket.value(path)
        leaf = LEAVES[path]
        if wanted is None:
            mark = Mark.DEFAULT
        elif wanted == chosen:
            mark = Mark.TAKEN
        elif adapted:
            mark = Mark.ADAPTED
        else:
            mark = Mark.ALTERED
            self._corrections[path] = chosen
            if wanted == 0 and path in _ALL_WHEN_ZERO:
                pass
            elif leaf.kind is Kind.INTEGER and not leaf.lowest <= int(wanted) <= leaf.highest:
                self._refuse(leaf.name, f"{wanted} is out of {leaf.lowest} to {leaf.highest}")
            elif self._ticket.honors(path):
                self._refuse(leaf.name, f"{at.word(wanted)} is not offered, {at.word(chosen)} would be")
        self._final[path] = Final(chosen, mark)

    def _settle_side(self, name: str, chosen: Value, *, adapted: bool = False) -> None:
        """The same for a parameter of the media sides; both sides get one value, the scanner knows no other."""
        self._settle(FRONT + name, chosen, adapted=adapted and self._wish(name) == self._ticket.value(FRONT + name))
        if not self._two_sided:
            return
        if BACK + name in self._ticket:
            self._settle(BACK + name, chosen, adapted=adapted and self._wish(name) == self._ticket.value(BACK + name))
        else:
            self._final[BACK + name] = self._final[FRONT + name]

    def _switch_off(self, switch: str, instead: tuple[str, ...]) -> None:
        """An automatism that is not offered: what it would find out becomes a fixed value."""
        if not self._ticket.switch(switch):
            return
        self._corrections[switch] = False
        if self._ticket.honors(switch):
            self._refuse(LEAVES[switch].name, "it is not offered")
        for path in instead:
            self._final[path] = Final(self._final[path].value, Mark.ALTERED)

    def _wish(self, name: str) -> Value | None:
        """What is asked of a parameter of the media sides, by the front unless only the back insists.

        Raises ConflictingParameters when both sides insist on different values.
        """
        front = self._ticket.value(FRONT + name)
        back = self._ticket.value(BACK + name) if self._two_sided else None
        if back is None or front == back:
            return front
        if front is None:
            return back
        if self._ticket.honors(BACK + name):
            if self._ticket.honors(FRONT + name):
                raise ConflictingParameters(f"{name}: both sides of a sheet are scanned with the same parameters")
            return back
        return front

    def _wished_number(self, name: str) -> int | None:
        wanted = self._wish(name)
        return wanted if isinstance(wanted, int) else None

    def _must(self, name: str) -> bool:
        """Whether the parameter of the media sides must be honoured, for either side."""
        return self._ticket.honors(FRONT + name) or (self._two_sided and self._ticket.honors(BACK + name))

    def _refuse(self, name: str, why: str) -> None:
        self._refusals.append(InvalidArgument(name, why))
