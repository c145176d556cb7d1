"""What a scanner can do and what one scan asks of it, as plain values.

Lengths on the bed are in 1/1000 inch, the unit of the WSD Scan Service; pixels are pixels. The keywords are
the standard's (wsd-scan.md 5), so that no table stands between the ticket and the scanner.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

THOUSANDTHS_PER_INCH = 1000
"""Units of length on the bed that make an inch (wsd-scan.md 6.2)."""

SPOOL_LIMIT = 512 * 1000 * 1000
"""Bytes that may be kept of an image that cannot be sent as it comes, where nothing else is set (design, spool)."""


class InputSource(str, Enum):
    """Where the paper lies (wsd-scan.md 5.2); Film is not offered."""

    PLATEN = "Platen"
    ADF = "ADF"
    ADF_DUPLEX = "ADFDuplex"

    @property
    def is_feeder(self) -> bool:
        """Whether several sheets can follow one another."""
        return self is not InputSource.PLATEN


class ColorMode(str, Enum):
    """Colour and depth of a pixel (wsd-scan.md 5.2, ColorEntry)."""

    BLACK_AND_WHITE_1 = "BlackAndWhite1"
    GRAYSCALE_8 = "Grayscale8"
    GRAYSCALE_16 = "Grayscale16"
    RGB_24 = "RGB24"
    RGB_48 = "RGB48"

    @property
    def channels(self) -> int:
        """Samples of one pixel: 1 or 3."""
        return 3 if self in (ColorMode.RGB_24, ColorMode.RGB_48) else 1

    @property
    def depth(self) -> int:
        """Bits of one sample: 1, 8 or 16."""
        if self is ColorMode.BLACK_AND_WHITE_1:
            return 1
        return 16 if self in (ColorMode.GRAYSCALE_16, ColorMode.RGB_48) else 8

    @property
    def bits_per_pixel(self) -> int:
        """Bits of a whole pixel."""
        return self.channels * self.depth


class Format(str, Enum):
    """File formats that a ticket may name (wsd-scan.md 5.1), those that this project means to produce."""

    EXIF = "exif"
    JFIF = "jfif"
    PNG = "png"
    TIFF_SINGLE_UNCOMPRESSED = "tiff-single-uncompressed"
    TIFF_SINGLE_G4 = "tiff-single-g4"
    DIB = "dib"
    PDF_A = "pdf-a"
    TIFF_MULTI_UNCOMPRESSED = "tiff-multi-uncompressed"
    TIFF_MULTI_G4 = "tiff-multi-g4"

    @property
    def multi_page(self) -> bool:
        """Whether one file holds all images of a job (wsd-scan.md 9.4)."""
        return self in (Format.PDF_A, Format.TIFF_MULTI_UNCOMPRESSED, Format.TIFF_MULTI_G4)

    @property
    def lossy(self) -> bool:
        """Whether CompressionQualityFactor means anything."""
        return self in (Format.EXIF, Format.JFIF, Format.PDF_A)

    @property
    def uncompressed(self) -> bool:
        """Whether BytesPerLine is told (wsd-scan.md 7.4)."""
        return self in (Format.DIB, Format.TIFF_SINGLE_UNCOMPRESSED, Format.TIFF_MULTI_UNCOMPRESSED)

    @property
    def media_type(self) -> str:
        """The Content-Type of the image part (wsd-scan.md 13)."""
        return _MEDIA_TYPES[self]

    @property
    def suffix(self) -> str:
        """What a file of this format is named with, dot included."""
        return _SUFFIXES[self]


_MEDIA_TYPES = {
    Format.EXIF: "image/jpeg",
    Format.JFIF: "image/jpeg",
    Format.PNG: "image/png",
    Format.DIB: "image/bmp",
    Format.PDF_A: "application/pdf",
    Format.TIFF_SINGLE_UNCOMPRESSED: "image/tiff",
    Format.TIFF_SINGLE_G4: "image/tiff",
    Format.TIFF_MULTI_UNCOMPRESSED: "image/tiff",
    Format.TIFF_MULTI_G4: "image/tiff",
}

_SUFFIXES = {
    Format.EXIF: ".jpg",
    Format.JFIF: ".jpg",
    Format.PNG: ".png",
    Format.DIB: ".bmp",
    Format.PDF_A: ".pdf",
    Format.TIFF_SINGLE_UNCOMPRESSED: ".tif",
    Format.TIFF_SINGLE_G4: ".tif",
    Format.TIFF_MULTI_UNCOMPRESSED: ".tif",
    Format.TIFF_MULTI_G4: ".tif",
}


@dataclass(frozen=True, slots=True)
class Size:
    """Width (across the sensor) and height (along the feed) in 1/1000 inch."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """Pixels per inch across and along."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the bed in 1/1000 inch, from the corner where the sensor's lead edges meet."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SourceCapabilities:
    """What one source of a scanner can do.

    `resolutions` holds for both axes and ascends; `colors` has the best first.
    """

    optical_resolution: Resolution
    resolutions: tuple[int, ...]
    colors: tuple[ColorMode, ...]
    minimum: Size
    maximum: Size


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a scanner can do; a source that it lacks is None.

    `formats` are those that can be produced and that at least one of its colour modes can fill (checklist 130).
    """

    formats: tuple[Format, ...]
    platen: SourceCapabilities | None = None
    adf_front: SourceCapabilities | None = None
    adf_back: SourceCapabilities | None = None
    brightness: bool = False
    contrast: bool = False

    @property
    def duplex(self) -> bool:
        """Whether the feeder can scan both sides."""
        return self.adf_back is not None

    @property
    def sources(self) -> tuple[InputSource, ...]:
        """The sources that a ticket may name, glass first."""
        found = []
        if self.platen is not None:
            found.append(InputSource.PLATEN)
        if self.adf_front is not None:
            found.append(InputSource.ADF)
        if self.duplex:
            found.append(InputSource.ADF_DUPLEX)
        return tuple(found)

    def of(self, source: InputSource) -> SourceCapabilities:
        """What `source` can do. Raises KeyError when the scanner does not have it."""
        side = self.platen if source is InputSource.PLATEN else self.adf_front
        if side is None or source not in self.sources:
            raise KeyError(source)
        return side


@dataclass(frozen=True, slots=True)
class Device:
    """A scanner as SANE lists it: `name` opens it, the rest is for people and for its identity.

    `usb_id` is "vendor:product" in four hex digits each, lower case, or empty; `serial` and `port` tell two equal
    scanners apart and may be empty.
    """

    name: str
    vendor: str
    model: str
    kind: str = ""
    usb_id: str = ""
    serial: str = ""
    port: str = ""

    @property
    def title(self) -> str:
        """Vendor and model as a person says them, the vendor not twice."""
        if self.model.lower().startswith(self.vendor.lower()):
            return self.model
        return f"{self.vendor} {self.model}".strip()


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """One job's wishes, all of them decided: nothing is left for the worker to choose.

    `width` and `height` are the promised pixels of every image (checklist 195); `quality` is 1 to 100;
    `brightness` and `contrast` are -1000 to 1000 (wsd-scan.md 5.2); `images` is how many images a multi-page
    file may hold, 0 for all that there are; `file_header` says whether a dib is a whole bitmap file; `media` is the
    sheet on which the region lies, None where nobody knows.
    """

    source: InputSource
    color: ColorMode
    format: Format
    resolution: Resolution
    region: Region
    width: int
    height: int
    quality: int = 85
    brightness: int = 0
    contrast: int = 0
    images: int = 1
    file_header: bool = True
    media: Size | None = None


def pixels(length: int, resolution: int, scaling: int = 100) -> int:
    """Pixels that `length` (1/1000 inch) makes at `resolution` (per inch) and `scaling` (percent), never below 1.

    Rounded half up, exactly and without floating point (wsd-scan.md 7.4).
    """
    scaled = length * resolution * scaling
    whole = THOUSANDTHS_PER_INCH * 100
    return max(1, (scaled * 2 + whole) // (whole * 2))
