"""What makes a file of each format: the one table that a new encoder enters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.imaging.dib import DibEncoder
from bridge.imaging.encoder import Encoder, ImagingError, Page
from bridge.imaging.formats import FORMAT_COLORS
from bridge.imaging.jpeg import ExifEncoder, JfifEncoder
from bridge.imaging.pdf import PdfEncoder
from bridge.imaging.png import PngEncoder
from bridge.imaging.tiff import MultiTiffEncoder, SingleTiffEncoder
from bridge.imaging.tiff_g4 import MultiTiffG4Encoder, SingleTiffG4Encoder
from bridge.scanner.model import Format

ENCODERS: Mapping[Format, Callable[[Page], Encoder]] = {
    Format.EXIF: ExifEncoder,
    Format.JFIF: JfifEncoder,
    Format.PNG: PngEncoder,
    Format.TIFF_SINGLE_UNCOMPRESSED: SingleTiffEncoder,
    Format.TIFF_SINGLE_G4: SingleTiffG4Encoder,
    Format.DIB: DibEncoder,
    Format.PDF_A: PdfEncoder,
    Format.TIFF_MULTI_UNCOMPRESSED: MultiTiffEncoder,
    Format.TIFF_MULTI_G4: MultiTiffG4Encoder,
}
"""What makes a file of each format."""


def encoder_for(name: Format, page: Page) -> Encoder:
    """A new encoder for `page`. Raises ImagingError when the format or its combination with the colour is unknown."""
    if name not in ENCODERS:
        raise ImagingError(f"Files of the format {name.value} cannot be made.")
    if page.color not in FORMAT_COLORS[name]:
        raise ImagingError(f"A file of the format {name.value} cannot hold {page.color.value}.")
    return ENCODERS[name](page)
