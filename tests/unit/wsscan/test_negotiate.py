"""What a ticket gets: the rules of wsd-scan.md 7.2 and 8, one by one."""

from __future__ import annotations

import pytest

from bridge.errors import ConflictingParameters, FormatNotSupported, TemporaryError
from bridge.scanner.model import (
    Capabilities,
    ColorMode,
    Format,
    InputSource,
    Region,
    Resolution,
    Size,
    SourceCapabilities,
)
from bridge.wsscan import parameters as at
from bridge.wsscan.agreement import Agreement, Final, Mark
from bridge.wsscan.negotiate import nearest, negotiate
from bridge.wsscan.offer import Defaults
from bridge.wsscan.parameters import BACK, FRONT
from bridge.wsscan.ticket import ScanTicket
from tests.fakes.scan_service import FEEDER, FLATBED, GLASS, MULTI_FUNCTION, scan_offer
from tests.fakes.tickets import wishes

REGION = {FRONT + at.REGION_WIDTH: 4000, FRONT + at.REGION_HEIGHT: 3000}


def agree(
    ticket: ScanTicket, capabilities: Capabilities = MULTI_FUNCTION, loaded: InputSource = InputSource.PLATEN
) -> Agreement:
    """What `ticket` gets from a scanner with `capabilities`."""
    return negotiate(ticket, scan_offer(capabilities), lambda: loaded)


def refused(agreement: Agreement) -> list[str]:
    """The names of what keeps a job from being created."""
    return [refusal.argument for refusal in agreement.refusals]


# -- the table of MustHonor --------------------------------------------------------------------------


@pytest.mark.conformance(139, 146)
def test_nothing_asked_gets_defaults() -> None:
    """A ticket without parameters gets a default for each, marked as such, and is valid."""
    agreement = agree(ScanTicket("n", "u"))
    assert agreement.valid
    assert not agreement.altered
    assert {final.mark for final in agreement.final.values()} == {Mark.DEFAULT}
    request = agreement.request
    assert (request.source, request.format, request.color) == (InputSource.PLATEN, Format.JFIF, ColorMode.RGB_24)
    assert (request.resolution, request.region) == (Resolution(300, 300), Region(0, 0, 8500, 11700))
    assert (request.width, request.height) == (2550, 3510)


@pytest.mark.conformance(147)
def test_a_supported_value_is_taken() -> None:
    """What can be done as asked is done, with no mark, whether it must be honoured or not."""
    for honored in ((), (at.FORMAT, FRONT + "Resolution")):
        agreement = agree(wishes({at.FORMAT: "png", FRONT + at.RESOLUTION_WIDTH: 600}, honored))
        assert agreement.final[at.FORMAT] == Final("png", Mark.TAKEN)
        assert agreement.final[FRONT + at.RESOLUTION_WIDTH] == Final(600, Mark.TAKEN)
        assert agreement.valid


UNSUPPORTED = [
    (at.SOURCE, "Film", "Platen"),
    (at.CONTENT_TYPE, "Photo", "Auto"),
    (at.ROTATION, "90", "0"),
    (at.SHARPNESS, 5, 0),
    (at.SCALING_WIDTH, 50, 100),
    (at.MEDIA_WIDTH, 9000, 8500),
    (at.MEDIA_HEIGHT, 50, 100),
    (FRONT + at.COLOR, "RGB48", "RGB24"),
    (FRONT + at.RESOLUTION_WIDTH, 250, 300),
    (FRONT + at.REGION_WIDTH, 9000, 8500),
    (FRONT + at.REGION_HEIGHT, 50, 100),
]
"""Values within the schema that the scanner does not have, and what it has instead."""


@pytest.mark.parametrize(("path", "wanted", "instead"), UNSUPPORTED)
@pytest.mark.conformance(144)
def test_an_unsupported_value_is_replaced(path: str, wanted: at.Value, instead: at.Value) -> None:
    """An unsupported value that need not be honoured is replaced, the replacement marked, and the job possible."""
    agreement = agree(wishes({path: wanted}))
    assert agreement.final[path] == Final(instead, Mark.ALTERED)
    assert agreement.corrections == {path: instead}
    assert agreement.altered
    assert agreement.refusals == ()
    assert not agreement.valid


@pytest.mark.parametrize(("path", "wanted", "instead"), UNSUPPORTED)
@pytest.mark.conformance(145)
def test_an_unsupported_value_that_must_be_honoured_is_refused(
    path: str, wanted: at.Value, instead: at.Value
) -> None:
    """An unsupported value that must be honoured keeps a job from being created, and is named."""
    agreement = agree(wishes({path: wanted}, [path]))
    assert refused(agreement) == [path.rpartition("/")[2]]
    assert not agreement.valid
    assert agree(agreement.corrected).valid


@pytest.mark.parametrize(
    ("path", "wanted", "instead"),
    [
        (at.SCALING_WIDTH, 5000, 100),
        (at.SCALING_HEIGHT, 0, 100),
        (at.QUALITY, 101, 100),
        (at.IMAGES, -1, 0),
        (at.CONTRAST, 1001, 1000),
        (at.BRIGHTNESS, -1001, -1000),
        (at.SHARPNESS, 101, 0),
        (FRONT + at.RESOLUTION_WIDTH, 0, 75),
        (FRONT + at.REGION_X, -1, 0),
        (at.MEDIA_WIDTH, -1, 100),
        (at.IMAGES, 2**31, 2**31 - 1),
    ],
)
def test_a_value_outside_of_its_type_is_refused_always(path: str, wanted: int, instead: int) -> None:
    """A number that the schema does not allow keeps a job from being created, MustHonor or not; validation corrects."""
    agreement = agree(wishes({path: wanted}))
    assert refused(agreement) == [path.rpartition("/")[2]]
    assert agreement.corrections == {path: instead}
    assert agree(agreement.corrected).valid


@pytest.mark.parametrize(
    ("path", "lowest", "highest"),
    [
        (at.QUALITY, 0, 100),
        (at.IMAGES, 0, 2**31 - 1),
        (at.CONTRAST, -1000, 1000),
        (at.BRIGHTNESS, -1000, 1000),
        (at.SHARPNESS, -100, 100),
        (at.SCALING_WIDTH, 1, 1000),
        (at.SCALING_HEIGHT, 1, 1000),
        (FRONT + at.RESOLUTION_WIDTH, 1, 2**31 - 1),
        (FRONT + at.RESOLUTION_HEIGHT, 1, 2**31 - 1),
    ],
)
@pytest.mark.conformance(148)
def test_the_bounds_of_a_type(path: str, lowest: int, highest: int) -> None:
    """The smallest and the largest number of a type are taken or replaced, the ones beyond are refused."""
    name = path.rpartition("/")[2]
    assert [refused(agree(wishes({path: wanted}))) for wanted in (lowest, highest)] == [[], []]
    assert [refused(agree(wishes({path: wanted}))) for wanted in (lowest - 1, highest + 1)] == [[name], [name]]


@pytest.mark.conformance(145)
def test_an_unknown_element_that_must_be_honoured_is_refused() -> None:
    """What nobody knows and must be honoured keeps a job from being created; without it the ticket is valid."""
    agreement = agree(ScanTicket("n", "u", None, {at.FORMAT: "jfif"}, strangers=("Sparkle",)))
    assert refused(agreement) == ["DocumentParameters"]
    assert "Sparkle" in str(agreement.refusals[0])
    assert not agreement.valid
    assert agree(agreement.corrected).valid


# -- format and colour -------------------------------------------------------------------------------


@pytest.mark.parametrize("honored", [(), (at.FORMAT,)])
@pytest.mark.parametrize("wanted", ["xps", "vnd:thing", "tiff-single-g3mh"])
@pytest.mark.conformance(160, 161)
def test_an_unknown_format_is_refused(wanted: str, honored: tuple[str, ...]) -> None:
    """A format that is not offered is refused whether it must be honoured or not, and the offered ones are told."""
    with pytest.raises(FormatNotSupported) as caught:
        agree(wishes({at.FORMAT: wanted}, honored))
    assert caught.value.supported == tuple(format_.value for format_ in Format)


@pytest.mark.conformance(160)
def test_a_format_that_the_source_cannot_fill_is_refused() -> None:
    """A format that only the other source could fill is refused for this one."""
    gray = SourceCapabilities(Resolution(300, 300), (300,), (ColorMode.GRAYSCALE_8,), Size(100, 100), Size(8500, 11700))
    scanner = Capabilities((Format.JFIF, Format.TIFF_SINGLE_G4), GLASS, gray)
    with pytest.raises(FormatNotSupported) as caught:
        agree(wishes({at.FORMAT: "tiff-single-g4", at.SOURCE: "ADF"}), scanner)
    assert caught.value.supported == ("jfif",)


def test_a_format_finds_a_source_that_fills_it() -> None:
    """A ticket that names a format and no source gets a source that can fill it."""
    gray = SourceCapabilities(Resolution(300, 300), (300,), (ColorMode.GRAYSCALE_8,), Size(100, 100), Size(8500, 11700))
    scanner = Capabilities((Format.JFIF, Format.TIFF_SINGLE_G4), gray, FEEDER)
    assert agree(wishes({at.FORMAT: "tiff-single-g4"}), scanner).request.source is InputSource.ADF


def test_a_colour_that_the_format_cannot_hold_is_replaced() -> None:
    """The format stays and the colour gives way, because a format is never replaced."""
    agreement = agree(wishes({at.FORMAT: "jfif", FRONT + at.COLOR: "BlackAndWhite1"}, [at.FORMAT]))
    assert agreement.final[at.FORMAT] == Final("jfif", Mark.TAKEN)
    assert agreement.final[FRONT + at.COLOR] == Final("Grayscale8", Mark.ALTERED)


def test_a_colour_that_must_be_honoured_is_refused_with_the_wrong_format() -> None:
    """A colour that must be honoured is refused when the format, which need not be, cannot hold it."""
    agreement = agree(wishes({at.FORMAT: "jfif", FRONT + at.COLOR: "BlackAndWhite1"}, [FRONT + at.COLOR]))
    assert refused(agreement) == ["ColorProcessing"]
    assert agreement.corrected.keyword(FRONT + at.COLOR) == "Grayscale8"


@pytest.mark.conformance(169)
def test_format_and_colour_may_exclude_each_other() -> None:
    """A format and a colour that must both be honoured, and each could be, are in conflict."""
    with pytest.raises(ConflictingParameters):
        agree(
            wishes({at.FORMAT: "jfif", FRONT + at.COLOR: "BlackAndWhite1"}, [at.FORMAT, FRONT + at.COLOR])
        )


def test_a_colour_chooses_the_format() -> None:
    """A ticket that names a colour and no format gets a format that holds it."""
    agreement = agree(wishes({FRONT + at.COLOR: "BlackAndWhite1"}, [FRONT + at.COLOR]))
    assert agreement.valid
    assert agreement.request.color is ColorMode.BLACK_AND_WHITE_1
    assert agreement.final[at.FORMAT].mark is Mark.DEFAULT
    assert agreement.request.format is Format.PNG


# -- compression -------------------------------------------------------------------------------------


@pytest.mark.conformance(154)
def test_quality_of_a_lossless_format_becomes_100() -> None:
    """Without loss there is only the best quality."""
    agreement = agree(wishes({at.FORMAT: "png", at.QUALITY: 50}))
    assert agreement.final[at.QUALITY] == Final(100, Mark.ALTERED)
    assert agreement.refusals == ()


@pytest.mark.conformance(153)
def test_quality_of_a_lossless_format_that_must_be_honoured_is_refused() -> None:
    """Less than the best quality cannot be honoured without loss; the best can."""
    assert refused(agree(wishes({at.FORMAT: "png", at.QUALITY: 50}, [at.QUALITY]))) == ["CompressionQualityFactor"]
    assert agree(wishes({at.FORMAT: "png", at.QUALITY: 100}, [at.QUALITY])).valid


@pytest.mark.parametrize(("wanted", "quality"), [(0, 1), (1, 1), (85, 85), (100, 100)])
def test_quality_of_a_lossy_format(wanted: int, quality: int) -> None:
    """The whole range is taken; the encoder's lowest is 1."""
    agreement = agree(wishes({at.FORMAT: "jfif", at.QUALITY: wanted}, [at.QUALITY]))
    assert agreement.valid
    assert agreement.final[at.QUALITY] == Final(wanted, Mark.TAKEN)
    assert agreement.request.quality == quality


def test_default_quality() -> None:
    """A lossy format has a default of its own, a lossless one is always at its best."""
    assert agree(wishes({at.FORMAT: "exif"})).request.quality == Defaults().quality
    assert agree(wishes({at.FORMAT: "png"})).request.quality == 100


# -- exposure ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-1000, -1, 0, 500, 1000])
@pytest.mark.conformance(148)
def test_brightness_and_contrast(value: int) -> None:
    """The whole range of brightness and contrast reaches a scanner that can set them."""
    agreement = agree(wishes({at.BRIGHTNESS: value, at.CONTRAST: -value}, ["Exposure"]))
    assert agreement.valid
    assert (agreement.request.brightness, agreement.request.contrast) == (value, -value)


@pytest.mark.conformance(149, 150)
def test_no_change_of_brightness_is_always_possible() -> None:
    """Contrast 0 and brightness 0, without sharpness, are honoured by a scanner that can set neither."""
    agreement = agree(wishes({at.CONTRAST: 0, at.BRIGHTNESS: 0}, ["Exposure"]), FLATBED)
    assert agreement.valid
    assert agreement.final[at.SHARPNESS] == Final(0, Mark.DEFAULT)


def test_brightness_that_cannot_be_set() -> None:
    """A scanner that cannot set the brightness leaves it, or refuses when it must be honoured."""
    assert agree(wishes({at.BRIGHTNESS: 100}), FLATBED).final[at.BRIGHTNESS] == Final(0, Mark.ALTERED)
    assert refused(agree(wishes({at.BRIGHTNESS: 100}, ["Exposure"]), FLATBED)) == ["Brightness"]


@pytest.mark.conformance(151)
def test_sharpness_0() -> None:
    """Sharpness 0 is taken, also when it must be honoured."""
    assert agree(wishes({at.SHARPNESS: 0}, ["Exposure"])).valid


@pytest.mark.conformance(163)
def test_automatic_exposure_becomes_fixed_values() -> None:
    """AutoExposure is not offered: the final parameters have three values in its place."""
    agreement = agree(wishes({at.AUTO_EXPOSURE: True}))
    for path in (at.CONTRAST, at.BRIGHTNESS, at.SHARPNESS):
        assert agreement.final[path] == Final(0, Mark.ALTERED)
    assert at.AUTO_EXPOSURE not in agreement.final
    assert agreement.corrections == {at.AUTO_EXPOSURE: False}
    assert refused(agree(wishes({at.AUTO_EXPOSURE: True}, ["Exposure"]))) == ["AutoExposure"]
    assert agree(wishes({at.AUTO_EXPOSURE: False}, ["Exposure"])).valid


# -- sizes -------------------------------------------------------------------------------------------


@pytest.mark.conformance(163)
def test_automatic_size_becomes_the_whole_bed() -> None:
    """DocumentSizeAutoDetect is not offered: the final parameters have the largest size in its place."""
    agreement = agree(wishes({at.SIZE_AUTO_DETECT: True}))
    assert agreement.final[at.MEDIA_WIDTH] == Final(8500, Mark.ALTERED)
    assert agreement.final[at.MEDIA_HEIGHT] == Final(11700, Mark.ALTERED)
    assert agreement.corrections == {at.SIZE_AUTO_DETECT: False}
    assert refused(agree(wishes({at.SIZE_AUTO_DETECT: True}, ["InputSize"]))) == ["DocumentSizeAutoDetect"]
    assert agree(wishes({at.SIZE_AUTO_DETECT: False}, ["InputSize"])).valid


@pytest.mark.conformance(157)
def test_without_a_region_the_media_is_scanned() -> None:
    """A ticket with a media size and no region gets the media, from its corner."""
    agreement = agree(wishes({at.MEDIA_WIDTH: 5000, at.MEDIA_HEIGHT: 7000}))
    assert agreement.request.region == Region(0, 0, 5000, 7000)
    assert agreement.final[FRONT + at.REGION_X] == Final(0, Mark.DEFAULT)


@pytest.mark.parametrize("excess", [1, 14])
def test_rounding_is_forgiven(excess: int) -> None:
    """Sizes that stick out by less than a coarse pixel are valid even when they must be honoured; the truth is told."""
    agreement = agree(
        wishes({at.MEDIA_WIDTH: 8500 + excess, at.MEDIA_HEIGHT: 11700, **REGION, FRONT + at.REGION_X: 4500 + excess},
               ["InputSize", FRONT + "ScanRegion"])
    )  # fmt: skip
    assert agreement.valid
    assert not agreement.altered
    assert agreement.final[at.MEDIA_WIDTH] == Final(8500, Mark.ADAPTED)
    assert agreement.final[FRONT + at.REGION_WIDTH] == Final(4000 - excess, Mark.ADAPTED)


@pytest.mark.parametrize("honored", [(), ("InputSize", FRONT + "ScanRegion")])
def test_zero_means_everything(honored: tuple[str, ...]) -> None:
    """A size of 0 is replaced by all there is, also when it must be honoured; for validation it is wrong."""
    parameters = {
        at.MEDIA_WIDTH: 0,
        at.MEDIA_HEIGHT: 0,
        FRONT + at.REGION_X: 500,
        FRONT + at.REGION_WIDTH: 0,
        FRONT + at.REGION_HEIGHT: 0,
    }
    agreement = agree(wishes(parameters, honored))
    assert agreement.refusals == ()
    assert agreement.request.region == Region(500, 0, 8000, 11700)
    assert agreement.final[FRONT + at.REGION_WIDTH] == Final(8000, Mark.ALTERED)
    assert not agreement.valid
    assert agree(agreement.corrected).valid


@pytest.mark.parametrize(("path", "name"), [(at.REGION_X, "ScanRegionXOffset"), (at.REGION_Y, "ScanRegionYOffset")])
@pytest.mark.conformance(158)
def test_a_region_beside_the_bed_is_refused(path: str, name: str) -> None:
    """A region of which nothing lies on the bed keeps a job from being created, MustHonor or not."""
    agreement = agree(wishes({**REGION, FRONT + path: 14000}))
    assert refused(agreement) == [name]
    assert agree(agreement.corrected).valid


@pytest.mark.conformance(159)
def test_a_region_that_sticks_out_is_cut_and_told() -> None:
    """What of a region lies on the bed is scanned, and the final parameters say what that is."""
    agreement = agree(wishes({**REGION, FRONT + at.REGION_X: 6000, FRONT + at.REGION_Y: 10000}))
    assert agreement.request.region == Region(6000, 10000, 2500, 1700)
    assert agreement.final[FRONT + at.REGION_WIDTH] == Final(2500, Mark.ALTERED)
    assert agreement.final[FRONT + at.REGION_HEIGHT] == Final(1700, Mark.ALTERED)
    assert agreement.final[FRONT + at.REGION_X] == Final(6000, Mark.TAKEN)
    assert agreement.altered


def test_a_region_that_leaves_the_media_makes_it_larger() -> None:
    """sane-airscan's region keeps its place on the bed although the media it names is too small."""
    agreement = agree(wishes({at.MEDIA_WIDTH: 4000, at.MEDIA_HEIGHT: 3000, **REGION, FRONT + at.REGION_X: 2000}))
    assert agreement.request.region == Region(2000, 0, 4000, 3000)
    assert agreement.final[at.MEDIA_WIDTH] == Final(6000, Mark.ADAPTED)
    assert agreement.valid
    assert not agreement.altered


@pytest.mark.parametrize(
    ("asked", "sheet"),
    [
        ({}, None),
        ({**REGION}, None),
        ({at.MEDIA_WIDTH: 8000}, None),
        ({at.MEDIA_WIDTH: 0, at.MEDIA_HEIGHT: 0}, Size(8500, 14000)),
        ({at.MEDIA_WIDTH: 8000, at.MEDIA_HEIGHT: 11000, **REGION}, Size(8000, 11000)),
        ({at.MEDIA_WIDTH: 2000, at.MEDIA_HEIGHT: 2000, **REGION}, Size(4000, 3000)),
    ],
)
def test_the_sheet_goes_to_the_scanner_where_it_is_told(asked: dict[str, int], sheet: Size | None) -> None:
    """What the ticket says of the media, as it was agreed on; where it says nothing, nothing is made up.

    A size of nothing says something wrong, which is corrected: the corrected ticket must mean the same.
    """
    assert agree(wishes({at.FORMAT: "jfif", at.SOURCE: "ADF", **asked})).request.media == sheet


def test_a_media_size_that_must_be_honoured_bounds_the_region() -> None:
    """A region that leaves media whose size must be honoured is cut."""
    parameters = {at.MEDIA_WIDTH: 4000, at.MEDIA_HEIGHT: 3000, **REGION, FRONT + at.REGION_X: 2000}
    agreement = agree(wishes(parameters, ["InputSize"]))
    assert agreement.request.region == Region(2000, 0, 2000, 3000)
    assert agreement.final[at.MEDIA_WIDTH] == Final(4000, Mark.TAKEN)
    assert agreement.altered


@pytest.mark.conformance(169)
def test_media_and_region_may_exclude_each_other() -> None:
    """A region larger than the media, both to be honoured, is a conflict; so is one that leaves it by its offset."""
    media = {at.MEDIA_WIDTH: 4000, at.MEDIA_HEIGHT: 3000}
    both = ["InputSize", FRONT + at.REGION_WIDTH, FRONT + at.REGION_X]
    with pytest.raises(ConflictingParameters):
        agree(wishes({**media, FRONT + at.REGION_WIDTH: 5000, FRONT + at.REGION_HEIGHT: 3000}, both))
    with pytest.raises(ConflictingParameters):
        agree(wishes({**media, **REGION, FRONT + at.REGION_X: 2000}, both))


def test_rounding_is_no_conflict_with_the_media() -> None:
    """A region that is larger than the media by a rounding error fits it, though both must be honoured."""
    both = ["InputSize", FRONT + at.REGION_WIDTH]
    media = {at.MEDIA_WIDTH: 4000, at.MEDIA_HEIGHT: 3000, FRONT + at.REGION_HEIGHT: 3000}
    assert agree(wishes({**media, FRONT + at.REGION_WIDTH: 4014}, both)).valid
    with pytest.raises(ConflictingParameters):
        agree(wishes({**media, FRONT + at.REGION_WIDTH: 4015}, both))


# -- resolution --------------------------------------------------------------------------------------


@pytest.mark.conformance(152)
def test_a_resolution_without_height_is_square() -> None:
    """Width alone gives both directions."""
    agreement = agree(wishes({FRONT + at.RESOLUTION_WIDTH: 200}))
    assert agreement.request.resolution == Resolution(200, 200)
    assert agreement.final[FRONT + at.RESOLUTION_HEIGHT] == Final(200, Mark.DEFAULT)
    assert agreement.valid


@pytest.mark.parametrize(
    ("honored", "expected"), [((), 200), ((at.RESOLUTION_WIDTH,), 200), ((at.RESOLUTION_HEIGHT,), 600)]
)
def test_a_resolution_is_equal_in_both_directions(honored: tuple[str, ...], expected: int) -> None:
    """Of two numbers the one that must be honoured is taken, else the width."""
    ticket = wishes(
        {FRONT + at.RESOLUTION_WIDTH: 200, FRONT + at.RESOLUTION_HEIGHT: 600}, [FRONT + name for name in honored]
    )
    agreement = agree(ticket)
    assert agreement.request.resolution == Resolution(expected, expected)
    assert agreement.refusals == ()
    assert agreement.altered


@pytest.mark.conformance(169)
def test_two_resolutions_that_must_be_honoured_exclude_each_other() -> None:
    """Two different numbers that must be honoured, and each could be, are in conflict."""
    ticket = wishes({FRONT + at.RESOLUTION_WIDTH: 200, FRONT + at.RESOLUTION_HEIGHT: 600}, [FRONT + "Resolution"])
    with pytest.raises(ConflictingParameters):
        agree(ticket)


@pytest.mark.parametrize(
    ("wanted", "expected"), [(1, 75), (87, 75), (88, 100), (125, 150), (250, 300), (450, 600), (9999, 1200)]
)
def test_the_nearest_resolution(wanted: int, expected: int) -> None:
    """The closest number is taken, the higher one of two that are equally close."""
    assert nearest(wanted, GLASS.resolutions) == expected


def test_a_format_that_cannot_hold_so_many_pixels_is_refused() -> None:
    """A resolution at which the file would be too large is refused with the formats that can, a smaller region not."""

    def fits(source: InputSource, kind: Format, color: ColorMode, width: int, height: int) -> bool:
        return kind is not Format.DIB or width * height < 10**7

    offer = scan_offer(FLATBED, fits=fits)
    large = wishes({at.FORMAT: "dib", FRONT + at.RESOLUTION_WIDTH: 600})
    with pytest.raises(FormatNotSupported) as caught:
        negotiate(large, offer, lambda: InputSource.PLATEN)
    assert "png" in caught.value.supported
    assert "dib" not in caught.value.supported
    unsaid = wishes({at.FORMAT: "dib"})
    assert negotiate(unsaid, offer, lambda: InputSource.PLATEN).request.resolution == Resolution(300, 300)
    small = wishes({at.FORMAT: "dib", FRONT + at.RESOLUTION_WIDTH: 600, **REGION})
    assert negotiate(small, offer, lambda: InputSource.PLATEN).request.resolution == Resolution(600, 600)
    other = wishes({at.FORMAT: "png", FRONT + at.RESOLUTION_WIDTH: 600})
    assert negotiate(other, offer, lambda: InputSource.PLATEN).valid


def test_what_no_format_can_hold_becomes_smaller() -> None:
    """Where no format holds the region at the resolution that was asked for, the closest that works is taken."""
    offer = scan_offer(FLATBED, fits=lambda source, kind, color, width, height: width * height < 10**7)
    for asked in ({FRONT + at.RESOLUTION_WIDTH: 600}, {}):
        agreement = negotiate(wishes({at.FORMAT: "dib", **asked}), offer, lambda: InputSource.PLATEN)
        assert agreement.request.resolution == Resolution(300, 300)
        assert agreement.altered is bool(asked)


@pytest.mark.parametrize("header", [True, False])
def test_the_switch_for_bitmaps_goes_to_the_scanner(header: bool) -> None:
    """Whether a dib has a file header is the machine's setting and goes into every request."""
    offer = scan_offer(FLATBED, dib_file_header=header)
    assert negotiate(wishes({at.FORMAT: "dib"}), offer, lambda: InputSource.PLATEN).request.file_header is header


def test_a_region_too_large_for_a_format() -> None:
    """A format in which the region cannot be made at any resolution is refused, and those that can are told."""
    offer = scan_offer(FLATBED, fits=lambda source, kind, *_: kind in (Format.EXIF, Format.JFIF))
    with pytest.raises(FormatNotSupported) as caught:
        negotiate(wishes({at.FORMAT: "dib"}), offer, lambda: InputSource.PLATEN)
    assert caught.value.supported == ("exif", "jfif")
    assert negotiate(wishes({at.FORMAT: "jfif"}), offer, lambda: InputSource.PLATEN).valid


# -- sources and sides -------------------------------------------------------------------------------


def test_an_automatic_ticket_takes_the_loaded_source() -> None:
    """A ticket that names only a format is scanned from where the paper is."""
    ticket = wishes({at.FORMAT: "dib"}, [at.FORMAT])
    agreement = agree(ticket, loaded=InputSource.ADF)
    assert agreement.request.source is InputSource.ADF
    assert agreement.final[at.SOURCE] == Final("ADF", Mark.DEFAULT)
    assert agreement.valid
    assert agree(ticket, loaded=InputSource.PLATEN).request.source is InputSource.PLATEN
    assert agree(ticket, FLATBED, loaded=InputSource.ADF).request.source is InputSource.PLATEN


def test_other_tickets_take_the_default_source() -> None:
    """A ticket that says more than a format is scanned from the default source."""
    agreement = agree(wishes({at.FORMAT: "dib", at.ROTATION: "0"}), loaded=InputSource.ADF)
    assert agreement.request.source is InputSource.PLATEN


def test_two_sides_become_one_where_there_is_no_more() -> None:
    """ADFDuplex is replaced by the feeder, if there is one, before the glass."""
    simplex = Capabilities((Format.JFIF,), GLASS, FEEDER)
    assert agree(wishes({at.SOURCE: "ADFDuplex"}), simplex).final[at.SOURCE] == Final("ADF", Mark.ALTERED)
    assert agree(wishes({at.SOURCE: "ADFDuplex"}), FLATBED).final[at.SOURCE] == Final("Platen", Mark.ALTERED)


@pytest.mark.conformance(155, 186)
def test_the_front_settles_the_back() -> None:
    """A two-sided job without MediaBack scans both sides with the front's parameters, and says so."""
    front = {FRONT + at.COLOR: "Grayscale8", FRONT + at.RESOLUTION_WIDTH: 200}
    agreement = agree(wishes({at.SOURCE: "ADFDuplex", **front}))
    assert agreement.request.color is ColorMode.GRAYSCALE_8
    for name in (at.COLOR, at.RESOLUTION_WIDTH, at.REGION_WIDTH):
        assert agreement.final[BACK + name] == agreement.final[FRONT + name]
    assert agreement.image.two_sided
    assert agreement.valid


def test_a_back_that_differs_is_replaced() -> None:
    """Both sides are scanned alike; what was asked for the back and is not done is marked there."""
    parameters = {at.SOURCE: "ADFDuplex", FRONT + at.RESOLUTION_WIDTH: 200, BACK + at.RESOLUTION_WIDTH: 300}
    agreement = agree(wishes(parameters))
    assert agreement.final[FRONT + at.RESOLUTION_WIDTH] == Final(200, Mark.TAKEN)
    assert agreement.final[BACK + at.RESOLUTION_WIDTH] == Final(200, Mark.ALTERED)
    assert agreement.corrections == {BACK + at.RESOLUTION_WIDTH: 200}


def test_a_back_that_must_be_honoured_settles_the_front() -> None:
    """When only the back must be honoured, the front gives way."""
    parameters = {at.SOURCE: "ADFDuplex", FRONT + at.RESOLUTION_WIDTH: 200, BACK + at.RESOLUTION_WIDTH: 300}
    agreement = agree(wishes(parameters, [BACK + "Resolution"]))
    assert agreement.request.resolution == Resolution(300, 300)
    assert agreement.final[FRONT + at.RESOLUTION_WIDTH] == Final(300, Mark.ALTERED)
    assert agreement.refusals == ()


def test_a_back_alone_settles_both() -> None:
    """What only the back says holds for the front too."""
    agreement = agree(wishes({at.SOURCE: "ADFDuplex", BACK + at.COLOR: "Grayscale8"}))
    assert agreement.request.color is ColorMode.GRAYSCALE_8
    assert agreement.final[FRONT + at.COLOR].mark is Mark.DEFAULT
    assert agreement.valid


@pytest.mark.conformance(169)
def test_two_sides_may_exclude_each_other() -> None:
    """Two sides that must be honoured and differ are in conflict."""
    parameters = {at.SOURCE: "ADFDuplex", FRONT + at.COLOR: "RGB24", BACK + at.COLOR: "Grayscale8"}
    with pytest.raises(ConflictingParameters):
        agree(wishes(parameters, ["MediaSides"]))


def test_two_sides_that_agree_are_no_conflict() -> None:
    """Sides that must be honoured and ask for the same are done as asked."""
    parameters = {at.SOURCE: "ADFDuplex", FRONT + at.COLOR: "Grayscale8", BACK + at.COLOR: "Grayscale8"}
    assert agree(wishes(parameters, ["MediaSides"])).valid


def test_two_sides_need_not_be_honoured() -> None:
    """Two sides whose wishes need not be honoured give way like one."""
    outside = {FRONT + at.REGION_X: 2000, FRONT + at.REGION_WIDTH: 8000, FRONT + at.REGION_HEIGHT: 8000}
    agreement = agree(wishes({at.SOURCE: "ADFDuplex", **outside}))
    assert agreement.refusals == ()
    assert agreement.request.region == Region(2000, 0, 6500, 8000)


def test_rounding_on_two_sides() -> None:
    """Rounding is forgiven on both sides, but a back that asks for something else is altered."""
    front = {FRONT + at.REGION_WIDTH: 8505, FRONT + at.REGION_HEIGHT: 14000}
    back = {BACK + at.REGION_WIDTH: 8505, BACK + at.REGION_HEIGHT: 14000}
    same = agree(wishes({at.SOURCE: "ADFDuplex", **front, **back}))
    assert same.final[FRONT + at.REGION_WIDTH] == same.final[BACK + at.REGION_WIDTH] == Final(8500, Mark.ADAPTED)
    assert same.valid
    other = agree(wishes({at.SOURCE: "ADFDuplex", **front, **back, BACK + at.REGION_WIDTH: 4000}))
    assert other.final[FRONT + at.REGION_WIDTH] == Final(8500, Mark.ADAPTED)
    assert other.final[BACK + at.REGION_WIDTH] == Final(8500, Mark.ALTERED)


@pytest.mark.conformance(156)
def test_a_back_without_two_sides_is_passed_over() -> None:
    """MediaBack means nothing to a one-sided job, not even when it must be honoured or makes no sense."""
    back = {BACK + at.COLOR: "vnd:Sepia", BACK + at.RESOLUTION_WIDTH: -4, BACK + at.REGION_X: 99999}
    agreement = agree(wishes({at.SOURCE: "ADF", FRONT + at.COLOR: "RGB24", **back}, [BACK.rstrip("/")]))
    assert agreement.valid
    assert not any(path.startswith(BACK) for path in agreement.final)
    assert not agreement.image.two_sided


def test_two_sides_have_what_both_can_do() -> None:
    """A two-sided job gets what front and back have in common."""
    back = SourceCapabilities(
        Resolution(300, 300), (100, 300), (ColorMode.GRAYSCALE_8,), Size(3000, 1000), Size(8000, 12000)
    )
    scanner = Capabilities((Format.JFIF,), None, FEEDER, back)
    agreement = agree(wishes({at.SOURCE: "ADFDuplex", FRONT + at.RESOLUTION_WIDTH: 600}), scanner)
    assert agreement.request.color is ColorMode.GRAYSCALE_8
    assert agreement.request.resolution == Resolution(300, 300)
    assert agreement.request.region == Region(0, 0, 8000, 12000)


# -- the rest ----------------------------------------------------------------------------------------


@pytest.mark.conformance(143, 164)
def test_film_means_nothing() -> None:
    """FilmScanMode is passed over without a film unit, and refused only when it must be honoured."""
    assert agree(wishes({at.FILM_SCAN_MODE: "ColorSlideFilm"})).valid
    assert agree(wishes({at.FILM_SCAN_MODE: "NotApplicable"}, [at.FILM_SCAN_MODE])).valid
    agreement = agree(wishes({at.FILM_SCAN_MODE: "ColorSlideFilm"}, [at.FILM_SCAN_MODE]))
    assert refused(agreement) == ["FilmScanMode"]
    assert at.FILM_SCAN_MODE not in agreement.final
    assert agree(agreement.corrected).valid


@pytest.mark.parametrize(
    ("source", "kind", "asked", "images", "in_file"),
    [
        ("Platen", "jfif", 0, 0, 1),
        ("Platen", "jfif", 3, 3, 1),
        ("Platen", "pdf-a", 0, 0, 1),
        ("Platen", "pdf-a", 1, 1, 1),
        ("ADF", "jfif", 0, 0, 1),
        ("ADF", "jfif", 5, 5, 1),
        ("ADF", "pdf-a", 0, 0, 0),
        ("ADFDuplex", "pdf-a", 5, 5, 5),
    ],
)
def test_images_to_transfer(source: str, kind: str, asked: int, images: int, in_file: int) -> None:
    """ImagesToTransfer is taken as it is; how many images one file holds follows from format and source."""
    agreement = agree(wishes({at.SOURCE: source, at.FORMAT: kind, at.IMAGES: asked}, [at.IMAGES]))
    assert agreement.valid
    assert (agreement.images, agreement.request.images) == (images, in_file)
    assert agreement.final[at.IMAGES] == Final(asked, Mark.TAKEN)


def test_the_glass_holds_one_image_of_a_file() -> None:
    """A file of several pages cannot be filled from the glass."""
    agreement = agree(wishes({at.SOURCE: "Platen", at.FORMAT: "pdf-a", at.IMAGES: 4}))
    assert agreement.final[at.IMAGES] == Final(1, Mark.ALTERED)
    assert refused(agree(wishes({at.FORMAT: "pdf-a", at.IMAGES: 4}, [at.IMAGES]))) == ["ImagesToTransfer"]


def test_a_scanner_that_is_not_known_yet() -> None:
    """A scanner that has not told what it can do cannot negotiate, but may in a moment."""
    with pytest.raises(TemporaryError):
        scan_offer(Capabilities(()))
