"""Reading multipart/related from scanners, in pieces of any size."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.soap import mtom
from bridge.soap.mtom_reader import (
    MAX_PART_HEAD,
    MAX_PREAMBLE,
    End,
    Event,
    ImageData,
    ImageStarted,
    MultipartError,
    MultipartReader,
    SoapPart,
    first_part,
)
from bridge.soap.parser import MAX_MESSAGE

TYPE = 'multipart/related; type="application/xop+xml"; boundary="b1"; start="<s@x>"; start-info="application/soap+xml"'
SOAP_HEAD = b"Content-Type: application/xop+xml\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <s@x>\r\n\r\n"
IMAGE_HEAD = b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <i@x>\r\n\r\n"


def message(image: bytes = b"image", soap: bytes = b"<soap/>", *, break_: bytes = b"\r\n") -> bytes:
    """A whole message; `break_` stands before the boundaries that end parts."""
    return b"--b1\r\n" + SOAP_HEAD + soap + break_ + b"--b1\r\n" + IMAGE_HEAD + image + break_ + b"--b1--\r\n"


def read(body: bytes, *, content_type: str = TYPE, size: int | None = None) -> list[Event]:
    """All events of `body`, fed in pieces of `size`."""
    reader = MultipartReader(content_type)
    events: list[Event] = []
    for start in range(0, len(body), size or len(body)):
        events += reader.feed(body[start : start + (size or len(body))])
    reader.finish()
    return events


def joined(events: list[Event]) -> tuple[bytes, ImageStarted | None, bytes, bool]:
    """Envelope, head of the image, image, and whether the end was seen."""
    soap = b"".join(event.data for event in events if isinstance(event, SoapPart))
    started = next((event for event in events if isinstance(event, ImageStarted)), None)
    image = b"".join(event.data for event in events if isinstance(event, ImageData))
    return soap, started, image, isinstance(events[-1], End)


@pytest.mark.conformance(190, 191, 192)
@pytest.mark.parametrize("size", [None, 1, 2, 3, 7, 64])
def test_a_message_gives_its_parts_in_order(size: int | None) -> None:
    """Envelope, image and end come in this order, whatever the pieces."""
    events = read(message(), size=size)
    assert joined(events) == (b"<soap/>", ImageStarted("image/jpeg", "i@x"), b"image", True)
    kinds = [type(event) for event in events]
    assert kinds.index(SoapPart) < kinds.index(ImageStarted) < kinds.index(ImageData) < kinds.index(End)


@given(
    image=st.lists(
        st.sampled_from([b"\r\n--b1", b"--b", b"\r", b"\n", b"--", b"-", b"1", b"x", b"\x00", b"\r\n--b1-", b"--b1x"])
    ).map(b"".join),
    cuts=st.lists(st.integers(min_value=0, max_value=400)),
)
def test_any_chunking_gives_the_same_bytes(image: bytes, cuts: list[int]) -> None:
    """An image full of beginnings of boundaries arrives unchanged, however its bytes are cut."""
    if b"--b1--" in image or b"--b1\r\n" in image + b"\r\n--b1--" or b"--b1\n" in image:
        return  # that would be a boundary
    body = message(image)
    reader = MultipartReader(TYPE)
    events: list[Event] = []
    places = [0, *sorted(place for place in cuts if place < len(body)), len(body)]
    for start, end in pairwise(places):
        events += reader.feed(body[start:end])
    reader.finish()
    assert joined(events) == (b"<soap/>", ImageStarted("image/jpeg", "i@x"), image, True)


@given(st.binary(max_size=300), st.integers(min_value=1, max_value=50))
def test_garbage_is_read_or_refused(garbage: bytes, size: int) -> None:
    """Whatever follows a boundary, there are events or MultipartError, never another error."""
    reader = MultipartReader(TYPE)
    body = b"--b1\r\n" + garbage
    try:
        for start in range(0, len(body), size):
            reader.feed(body[start : start + size])
        reader.finish()
    except MultipartError:
        pass


def test_our_own_answers_are_read() -> None:
    """What the writer frames, the reader takes apart."""
    framing = mtom.frame(b"<soap/>", "image/png", "img@x", mtom.new_boundary())
    events = read(framing.head + b"\x89PNG\r\n" + framing.tail, content_type=framing.content_type)
    assert joined(events) == (b"<soap/>", ImageStarted("image/png", "img@x"), b"\x89PNG\r\n", True)


def test_slips_of_real_devices_are_overlooked() -> None:
    """No line break before a boundary, bare line feeds, blanks behind a boundary, a preamble, unquoted parameters."""
    assert joined(read(message(break_=b"")))[2] == b"image"
    bare = message().replace(b"\r\n", b"\n")
    assert joined(read(bare))[0].strip() == b"<soap/>"
    assert joined(read(message().replace(b"--b1\r\n", b"--b1 \t\r\n")))[2] == b"image"
    assert joined(read(b"hello\r\n" + message()))[2] == b"image"
    assert joined(read(message(), content_type="Multipart/Related;boundary=b1"))[2] == b"image"
    assert joined(read(b"--b1\r\n\r\n<soap/>\r\n--b1\r\n\r\nimage\r\n--b1--")) == (
        b"<soap/>",
        ImageStarted("", ""),
        b"image",
        True,
    )


def test_an_epilogue_means_nothing() -> None:
    """What follows the closing boundary is thrown away, however much it is."""
    reader = MultipartReader(TYPE)
    assert isinstance(reader.feed(message() + b"epilogue")[-1], End)
    assert reader.feed(b"--b1\r\n" * 1000) == []
    reader.finish()


def test_an_image_is_handed_over_while_it_comes() -> None:
    """Of an image hardly more than a boundary is kept back."""
    reader = MultipartReader(TYPE)
    reader.feed(message()[: message().rindex(b"image")])
    for _ in range(50):
        (event,) = reader.feed(b"x" * 1000)
        assert isinstance(event, ImageData)
    assert len(reader._buffer) < 20


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/soap+xml",
        "multipart/mixed; boundary=b1",
        "multipart/related",
        'multipart/related; boundary=""',
        f"multipart/related; boundary={'b' * 71}",
        'multipart/related; boundary="b1 "',
        'multipart/related; boundary="b\r\n1"',
    ],
)
def test_a_content_type_without_a_usable_boundary_is_refused(content_type: str) -> None:
    """Without multipart/related and a legal boundary there is nothing to read."""
    with pytest.raises(MultipartError):
        MultipartReader(content_type)


def test_the_envelope_is_bounded() -> None:
    """An envelope of the largest size is read, one byte more is refused, also before its end is seen."""
    assert len(joined(read(message(soap=b"x" * MAX_MESSAGE)))[0]) == 32767
    for size in (None, 1000):
        with pytest.raises(MultipartError, match="envelope"):
            read(message(soap=b"x" * (MAX_MESSAGE + 1)), size=size)
    reader = MultipartReader(TYPE)
    reader.feed(b"--b1\r\n" + SOAP_HEAD + b"x" * 32000)
    with pytest.raises(MultipartError, match="envelope"):
        reader.feed(b"x" * 1000)


def test_the_head_of_a_part_is_bounded() -> None:
    """The headers of a part that do not end are refused."""
    reader = MultipartReader(TYPE)
    reader.feed(b"--b1\r\nX: ")
    with pytest.raises(MultipartError, match="headers"):
        reader.feed(b"y" * MAX_PART_HEAD)


def test_the_preamble_is_bounded() -> None:
    """A body without a boundary near its beginning is refused."""
    reader = MultipartReader(TYPE)
    reader.feed(b"x" * MAX_PREAMBLE)
    with pytest.raises(MultipartError, match="boundary"):
        reader.feed(b"x" * 10)


BAD = {
    "base64": message().replace(b"binary", b"base64"),
    "quoted-printable image": message().replace(IMAGE_HEAD, IMAGE_HEAD.replace(b"binary", b"quoted-printable")),
    "wrong start": message().replace(b"<s@x>", b"<other@x>"),
    "three parts": message().replace(b"--b1--", b"--b1\r\n\r\nmore\r\n--b1--"),
    "header without colon": message().replace(b"Content-ID: <s", b"Content-ID <s"),
    "header of control characters": message().replace(b"Content-ID: <s", b"\x00\x01: <s"),
    "no part": b"--b1--\r\n",
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_what_contradicts_the_rules_is_refused(body: bytes) -> None:
    """Encodings that change bytes, a wrong first part, parts too many and malformed heads are refused."""
    with pytest.raises(MultipartError):
        read(body)


def test_a_message_that_is_cut_is_not_whole() -> None:
    """Whatever is missing before the closing boundary is told at the end."""
    body = message()
    for length in range(len(body) - len(b"--\r\n")):
        reader = MultipartReader(TYPE)
        reader.feed(body[:length])
        with pytest.raises(MultipartError, match="closing"):
            reader.finish()


def test_of_a_request_only_the_first_part_is_read() -> None:
    """The envelope is taken from a whole message, whatever is behind it."""
    assert first_part(TYPE, message()) == b"<soap/>"
    assert first_part(TYPE, BAD["three parts"]) == b"<soap/>"
    assert first_part(TYPE, BAD["quoted-printable image"]) == b"<soap/>"
    for broken in (b"", b"--b1\r\n", b"--b1\r\n" + SOAP_HEAD + b"<soap/>", b"--b1--"):
        with pytest.raises(MultipartError):
            first_part(TYPE, broken)
