"""What becomes of a ticket: DocumentFinalParameters, ImageInformation, Documents (wsd-scan.md 7.3 to 7.5)."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.soap.envelope import WSCN_E, Element
from bridge.wsscan.agreement import MARK_ATTRIBUTES, FinalParameters, ImageInformation
from bridge.wsscan.parameters import with_containers, write_parameters


def final_parameters(final: FinalParameters) -> Element:
    """DocumentFinalParameters, each value with how it came about (checklist 162 to 165)."""
    values = with_containers({path: leaf.value for path, leaf in final.items()})
    marks = {path: MARK_ATTRIBUTES[leaf.mark] for path, leaf in final.items()}
    return write_parameters("DocumentFinalParameters", values, marks)


def image_information(image: ImageInformation) -> Element:
    """ImageInformation; two-sided jobs promise the same for both sides (checklist 186)."""
    element: Element = WSCN_E("ImageInformation", _side("MediaFrontImageInfo", image))
    if image.two_sided:
        element.append(_side("MediaBackImageInfo", image))
    return element


def documents(final: FinalParameters, names: Sequence[str], job_name: str) -> Element:
    """Documents: the final parameters, and the names that the client gave its images.

    Before the first image there is no name, but the schema wants one: the job's (wsd-scan.md 7.5).
    """
    element: Element = WSCN_E("Documents", final_parameters(final))
    for name in names or (job_name,):
        element.append(WSCN_E("Document", WSCN_E("DocumentDescription", WSCN_E("DocumentName", name))))
    return element


def _side(name: str, image: ImageInformation) -> Element:
    element: Element = WSCN_E(
        name,
        WSCN_E("PixelsPerLine", str(image.pixels_per_line)),
        WSCN_E("NumberOfLines", str(image.number_of_lines)),
        WSCN_E("BytesPerLine", str(image.bytes_per_line)),
    )
    return element
