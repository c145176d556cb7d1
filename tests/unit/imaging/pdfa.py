"""What PDF/A-2b (ISO 19005-2, level B) requires of a file, as far as a file of scans can break it.

No checker of PDF/A is in Debian, so this is one of our own: it reads the file's bytes, and its objects as qpdf sees
them, and returns a sentence for each thing that is wrong. It shares no code with the encoder. The numbers are the
standard's clauses. What it does not look at is what no file of ours has: text and fonts, annotations, forms,
transparency, layers, attachments, signatures.
"""

from __future__ import annotations

import json
import re
import struct
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from typing import Any

from tests.unit.imaging.files import run_on_file

PDFA = "{http://www.aiim.org/pdfa/ns/id/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
MAX_OBJECTS = 8_388_607
LEAST_SIDE, GREATEST_SIDE = 3, 14_400
FORBIDDEN_FILTERS = {"/LZWDecode", "/Crypt"}
FORBIDDEN_IN_CATALOG = {
    *("/OCProperties", "/AcroForm", "/AA", "/OpenAction", "/Perms", "/Requirements", "/NeedsRendering"),
}
FORBIDDEN_IN_PAGE = {"/AA", "/PresSteps", "/Group", "/Annots"}
FORBIDDEN_IN_IMAGE = {"/Alternates", "/OPI", "/SMask", "/SMaskInData", "/Mask"}
DEVICE_CLASSES = {b"prtr", b"mntr", b"scnr", b"spac"}
COMPONENTS = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}


def complaints(pdf: bytes) -> list[str]:
    """What keeps `pdf` from being PDF/A-2b. Raises AssertionError for what is no PDF in the eyes of qpdf."""
    assert b"No syntax or stream encoding errors" in run_on_file("qpdf", "--check", "{}", input=pdf)
    told = json.loads(run_on_file("qpdf", "--json=2", "--json-key=qpdf", "{}", input=pdf))["qpdf"][1]
    return [*_of_bytes(pdf), *_of_objects(pdf, told)]


def _of_bytes(pdf: bytes) -> Iterator[str]:
    if not re.match(rb"%PDF-1\.[0-7]\r?\n", pdf):
        yield "6.1.2: the file does not begin with its version"
    comment = pdf.split(b"\n", 2)[1]
    if not (comment.startswith(b"%") and sum(byte > 127 for byte in comment[1:]) >= 4):
        yield "6.1.2: the second line is no comment of four bytes above 127"
    if not re.search(rb"%%EOF(\r\n|\n|\r)?\Z", pdf):
        yield "6.1.3: something follows the end of file"
    if b"/Encrypt" in pdf:
        yield "6.1.3: the file is encrypted"
    if not re.search(rb"\nxref\n0 \d+\n0000000000 65535 f ", pdf):
        yield "6.1.4: the cross-reference table does not begin as it must"
    for found in re.finditer(rb"(?<!end)stream(?!\r?\n)", _outside_of_streams(pdf)):
        yield f"6.1.7.1: the keyword stream at {found.start()} is not followed by a line end"
    if not re.search(rb"startxref\n\d+\n%%EOF", pdf):
        yield "6.1.3: there is no place of the cross-reference table"


def _outside_of_streams(pdf: bytes) -> bytes:
    return re.sub(rb"stream\r?\n.*?\nendstream", b"stream\n\nendstream", pdf, flags=re.DOTALL)


def _of_objects(pdf: bytes, told: dict[str, Any]) -> Iterator[str]:
    trailer = told["trailer"]["value"]
    if len(trailer.get("/ID", ())) != 2:
        yield "6.1.3: the trailer has no identifier of two parts"
    if "/Info" in trailer:
        yield "6.6.3: a document information dictionary has to agree with the metadata; this one is not looked into"
    if len(told) > MAX_OBJECTS:
        yield "6.1.13: too many objects"
    if _depth(told) > 28:
        yield "6.1.13: objects are nested too deep"
    for name, entry in told.items():
        if "stream" in entry:
            yield from _of_stream(name, entry["stream"]["dict"])
    catalog = _value(told, trailer["/Root"])
    for key in sorted(FORBIDDEN_IN_CATALOG & catalog.keys()):
        yield f"6.5, 6.9 and others: the catalog has {key}"
    if "/Version" in catalog:
        yield "6.1.2: the catalog has a version"
    intents = [intent for intent in catalog.get("/OutputIntents", ()) if intent.get("/S") == "/GTS_PDFA1"]
    profile = None
    if len(intents) != 1 or "/DestOutputProfile" not in intents[0]:
        yield "6.2.3: there is not exactly one output intent of PDF/A with a profile"
    else:
        profile = intents[0]["/DestOutputProfile"]
        if not intents[0].get("/OutputConditionIdentifier"):
            yield "6.2.3: the output intent does not say its condition"
        yield from _of_profile(pdf, told, profile)
    if "/Metadata" not in catalog:
        yield "6.6.2.1: there are no metadata"
    else:
        yield from _of_metadata(pdf, told, catalog["/Metadata"])
    yield from _of_pages(told, _value(told, catalog["/Pages"]), profile)


def _of_stream(name: str, words: dict[str, Any]) -> Iterator[str]:
    filters = words.get("/Filter", [])
    used = {filters} if isinstance(filters, str) else set(filters)
    for forbidden in sorted(used & FORBIDDEN_FILTERS):
        yield f"6.1.7.2: {name} uses {forbidden}"
    for key in ("/F", "/FFilter", "/FDecodeParms"):
        if key in words:
            yield f"6.1.7.1: {name} has {key}"


def _of_profile(pdf: bytes, told: dict[str, Any], reference: str) -> Iterator[str]:
    words = _value(told, reference)
    data = _raw(pdf, reference)
    icc = zlib.decompress(data) if words.get("/Filter") == "/FlateDecode" else data
    if len(icc) < 132 or struct.unpack(">L", icc[:4])[0] != len(icc) or icc[36:40] != b"acsp":
        yield "6.2.2: the profile is no ICC profile"
        return
    if icc[8] > 4:
        yield "6.2.2: the profile's version is above 4"
    if icc[12:16] not in DEVICE_CLASSES:
        yield "6.2.3: the profile's class is not that of a device"
    if COMPONENTS.get(icc[16:20]) != words.get("/N"):
        yield "6.2.4.2: the profile has another number of components than it says"


def _of_metadata(pdf: bytes, told: dict[str, Any], reference: str) -> Iterator[str]:
    words = _value(told, reference)
    if (words.get("/Type"), words.get("/Subtype")) != ("/Metadata", "/XML"):
        yield "6.6.2.1: the metadata are not marked as such"
    if "/Filter" in words:
        yield "6.6.2.1: the metadata are compressed"
        return
    packet = _raw(pdf, reference).decode("utf-8")
    if not re.match(r"<\?xpacket begin=\"\ufeff?\" id=\"W5M0MpCehiHzreSzNTczkc9d\"\?>", packet):
        yield "6.6.2.1: the metadata are no packet of XMP"
    try:
        root = ET.fromstring(packet)
    except ET.ParseError as error:
        yield f"6.6.2.1: the metadata are not well-formed: {error}"
        return
    if root.find(f"{RDF}RDF") is None:
        yield "6.6.2.1: the metadata hold no RDF"
    found = {}
    for key in ("part", "conformance"):
        elements = [element.text for element in root.iter(f"{PDFA}{key}")]
        attributes = [element.get(f"{PDFA}{key}") for element in root.iter(f"{RDF}Description")]
        found[key] = next((value for value in [*elements, *attributes] if value), None)
    if found != {"part": "2", "conformance": "B"}:
        yield f"6.6.4: the metadata say {found}"


def _of_pages(told: dict[str, Any], tree: dict[str, Any], profile: str | None) -> Iterator[str]:
    if tree.get("/Count") != len(tree["/Kids"]) or not tree["/Kids"]:
        yield "the tree of pages does not count its pages"
    for reference in tree["/Kids"]:
        page = _value(told, reference)
        for key in sorted(FORBIDDEN_IN_PAGE & page.keys()):
            yield f"6.3, 6.4 and others: {reference} has {key}"
        for box in ("/MediaBox", "/CropBox", "/TrimBox", "/BleedBox", "/ArtBox"):
            if box in page:
                left, bottom, right, top = page[box]
                if not all(LEAST_SIDE <= side <= GREATEST_SIDE for side in (right - left, top - bottom)):
                    yield f"6.1.13: {box} of {reference} is {right - left:g} x {top - bottom:g} units"
        if "/MediaBox" not in page or "/Resources" not in page:
            yield f"{reference} lacks its box or its resources"
            continue
        resources = page["/Resources"]
        for name, image in (resources if isinstance(resources, dict) else _value(told, resources))["/XObject"].items():
            yield from _of_image(f"{name} of {reference}", _value(told, image), profile)


def _of_image(name: str, image: dict[str, Any], profile: str | None) -> Iterator[str]:
    if image.get("/Subtype") != "/Image":
        yield f"{name} is no image"
    for key in sorted(FORBIDDEN_IN_IMAGE & image.keys()):
        yield f"6.2.8 and 6.2.10: {name} has {key}"
    if image.get("/Interpolate") not in (None, False):
        yield f"6.2.8: {name} is interpolated"
    if image.get("/Intent", "/Perceptual") not in (
        "/RelativeColorimetric",
        "/AbsoluteColorimetric",
        "/Perceptual",
        "/Saturation",
    ):
        yield f"6.2.6: {name} has an unknown intent"
    if image.get("/BitsPerComponent") not in (1, 2, 4, 8, 16):
        yield f"6.2.8: {name} has an impossible depth"
    space = image.get("/ColorSpace")
    if space == "/DeviceCMYK" or (space in ("/DeviceRGB", "/DeviceGray") and profile is None):
        yield f"6.2.4.3: {space} of {name} has no profile that explains it"


def _value(told: dict[str, Any], reference: str) -> dict[str, Any]:
    entry = told[f"obj:{reference}"]
    found: dict[str, Any] = entry["value"] if "value" in entry else entry["stream"]["dict"]
    return found


def _raw(pdf: bytes, reference: str) -> bytes:
    return run_on_file("qpdf", f"--show-object={reference.split()[0]}", "--raw-stream-data", "{}", input=pdf)


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)
