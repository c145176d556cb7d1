"""An image on its way."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.web.client import ResponseFailed
from twisted.web.http import PotentialDataLoss

from bridge.client.errors import BadAnswer, NoAnswer, ScanFailed
from bridge.client.image import IMAGE_PAUSE_TIMEOUT_S, ImageBody
from bridge.soap.mtom_reader import MultipartReader
from tests.deferreds import failure_result_of, no_result, success_result_of
from tests.fakes.soap_device import FakeResponse, image_package

IMAGE = b"\xff\xd8 some bytes \r\n--b \xff\xd9"


class Arrival:
    """A response under way, and what was written so far."""

    def __init__(self, content_type: str = "", length: int = 0) -> None:
        self.clock = Clock()
        self.written = bytearray()
        self.expected: list[int] = []
        self.full = False
        self.response = FakeResponse(200, "", None)
        reader = MultipartReader(content_type or image_package(b"")[0])
        self.body = ImageBody(reader, self._begin, length, self.clock)
        self.response.deliverBody(self.body)

    def _begin(self, expected: int):  # type: ignore[no-untyped-def]
        self.expected.append(expected)
        return self._write

    def _write(self, data: bytes) -> None:
        if self.full:
            raise ScanFailed("the disk is full")
        self.written += data


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_whole_image(size: int) -> None:
    """The image arrives unchanged in pieces of any size, and its end is known by the closing boundary."""
    arrival = Arrival(length=1234)
    _, body = image_package(IMAGE)
    for at in range(0, len(body), size):
        arrival.response.send(body[at : at + size])
    no_result(arrival.body.done)
    arrival.response.end()

    success_result_of(arrival.body.done)
    assert bytes(arrival.written) == IMAGE
    assert arrival.expected == [1234]
    assert arrival.clock.getDelayedCalls() == []


@pytest.mark.parametrize("end", [PotentialDataLoss(), ResponseFailed([])])
def test_the_closing_boundary_counts(end: Exception) -> None:
    """With the closing boundary the image is whole, however the connection ends."""
    arrival = Arrival()
    arrival.response.send(image_package(IMAGE)[1])
    arrival.response.end(end)

    success_result_of(arrival.body.done)


@pytest.mark.parametrize(
    ("end", "error"), [(None, BadAnswer), (PotentialDataLoss(), BadAnswer), (ResponseFailed([]), NoAnswer)]
)
def test_an_image_that_is_cut_off(end: Exception | None, error: type[Exception]) -> None:
    """Without the closing boundary the image is not whole, even when HTTP is content."""
    arrival = Arrival()
    arrival.response.send(image_package(IMAGE)[1][:-10])
    arrival.response.end(end)

    failure_result_of(arrival.body.done, error)


@pytest.mark.parametrize(
    "package",
    [
        image_package(IMAGE)[1].replace(b"wscn:RetrieveImageResponse", b"wscn:CancelJobResponse"),
        image_package(IMAGE)[1].replace(b"<soap:Envelope", b"<soap:Envelop"),
        b"x" * 5000,
    ],
    ids=["another answer", "no XML", "no multipart"],
)
def test_what_is_no_answer(package: bytes) -> None:
    """Anything but a RetrieveImageResponse ends the connection at once."""
    arrival = Arrival()

    arrival.response.send(package)

    failure_result_of(arrival.body.done, BadAnswer)
    assert arrival.response.dropped
    assert arrival.clock.getDelayedCalls() == []


def test_a_disk_that_is_full() -> None:
    """When the bytes cannot be written, the connection is closed and the reason told; what follows is dropped."""
    arrival = Arrival()
    arrival.full = True
    arrival.response.send(image_package(IMAGE)[1])
    arrival.response.send(b"more")
    arrival.response.end(ResponseFailed([]))

    assert "disk" in str(failure_result_of(arrival.body.done, ScanFailed))
    assert arrival.response.dropped


def test_a_device_that_stalls() -> None:
    """Each byte gives the device its time anew; when it is over, the connection is closed."""
    arrival = Arrival()
    _, body = image_package(IMAGE)
    arrival.response.send(body[:-20])
    arrival.clock.advance(IMAGE_PAUSE_TIMEOUT_S - 1)
    arrival.response.send(body[-20:-10])
    arrival.clock.advance(IMAGE_PAUSE_TIMEOUT_S - 1)
    no_result(arrival.body.done)

    arrival.clock.advance(1)

    assert "no byte of the image for 600 s" in str(failure_result_of(arrival.body.done, NoAnswer))
    assert arrival.response.dropped


def test_a_scan_that_is_stopped() -> None:
    """Being stopped leaves the connection to CancelJob, writes nothing more and leaves no timer."""
    arrival = Arrival()
    _, body = image_package(IMAGE)
    arrival.response.send(body[:-20])
    written = bytes(arrival.written)

    arrival.body.done.cancel()
    arrival.response.send(body[-20:])

    failure_result_of(arrival.body.done)
    assert bytes(arrival.written) == written
    assert not arrival.response.dropped
    assert arrival.clock.getDelayedCalls() == []
