"""Scan to, test scan and cancel, as a browser sends them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.scanner.protocol import Status
from tests.conversations.scene import Scene, ticket
from tests.http_answers import Answer
from tests.unit.web.test_guard import send, token_of
from tests.web_bridge import with_pages

WISHES = {"source": "Platen", "color": "RGB24", "resolution": "300", "format": "jfif", "preview": "no"}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    with_pages(scene)
    return scene


def test_scan(scene: Scene, **changes: str) -> Answer:
    """Not a test: the answer to the form of a test scan."""
    fields = {"token": token_of(scene), "scanner": scene.served.enrolled.uuid, **WISHES, **changes}
    return send(scene, "/do/test-scan", **fields)


test_scan.__test__ = False  # type: ignore[attr-defined]


def test_a_test_scan_is_a_job_like_any_other(scene: Scene) -> None:
    """It stands in the queue, streams, and is told in full to clients that ask for it."""
    viewer = test_scan(scene).headers["location"]
    assert [state for _, state, *_ in scene.active()] == ["Pending"]
    assert b"data-image" in scene.wire.get(viewer).body
    answer = scene.wire.get(f"{viewer}/image")
    scene.worker.open()
    scene.worker.begin(b"half of ")
    assert (answer.status, answer.body, answer.complete) == (200, b"half of ", False)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == 'attachment; filename="scan-1.jpg"'
    scene.worker.send(b"it")
    scene.worker.end(10)
    assert (answer.body, answer.complete) == (b"half of it", True)
    assert [row[1:] for row in scene.history()] == [("Completed", "None", "1")]
    number = scene.history()[0][0]
    told = scene.ask(
        "GetJobElements",
        f"<{{scan}}:GetJobElementsRequest><{{scan}}:JobId>{number}</{{scan}}:JobId><{{scan}}:RequestedElements>"
        "<{scan}:Name>{scan}:ScanTicket</{scan}:Name></{scan}:RequestedElements></{scan}:GetJobElementsRequest>",
    )
    assert told.findtext(".//{*}JobName") == "Test scan"


def test_a_slow_browser_holds_the_scanner_and_no_memory(scene: Scene) -> None:
    """When the browser stops reading the worker's pipe is not read either, and all bytes arrive in the end."""
    viewer = test_scan(scene).headers["location"]
    line = scene.wire.connect()
    line.window = 0
    answer = line.get(f"{viewer}/image")
    scene.worker.open()
    scene.worker.begin()
    block = bytes(range(256)) * 1024
    for _ in range(80):
        scene.worker.send(block)
    assert line.transport.buffered < 1_000_000
    line.read_on()
    scene.worker.end(80 * len(block))
    assert answer.complete
    assert answer.body == block * 80


def test_a_browser_that_goes_ends_its_job(scene: Scene) -> None:
    """Nobody scans for nobody."""
    viewer = test_scan(scene).headers["location"]
    line = scene.wire.connect()
    line.get(f"{viewer}/image")
    scene.worker.open()
    scene.worker.begin(b"some")
    line.disconnect()
    scene.worker.fail(Status.CANCELLED)
    scene.wire.advance(5)
    ((_, state, reason, _),) = scene.history()
    assert (state, reason) == ("Aborted", "ImageTransferError")


def test_a_failure_before_the_first_line_is_told(scene: Scene) -> None:
    """The browser gets the advice as text, and may try again."""
    viewer = test_scan(scene).headers["location"]
    answer = scene.wire.get(f"{viewer}/image")
    scene.worker.open()
    scene.worker.fail(Status.COVER_OPEN)
    assert answer.status == 503
    assert answer.body == b"the scanner's cover is open; close it and scan again\n"


def test_a_failure_in_the_middle_breaks_off(scene: Scene) -> None:
    """A file that is not whole must not look like one."""
    viewer = test_scan(scene).headers["location"]
    answer = scene.wire.get(f"{viewer}/image")
    scene.worker.open()
    scene.worker.begin(b"some")
    scene.worker.fail(Status.IO_ERROR)
    assert not answer.complete
    assert answer.cut


def test_an_image_is_delivered_once(scene: Scene) -> None:
    """Who comes again hears that there is nothing more."""
    viewer = test_scan(scene).headers["location"]
    scene.wire.get(f"{viewer}/image")
    scene.worker.open()
    scene.worker.page()
    assert scene.wire.get(f"{viewer}/image").status == 409


def test_a_preview_is_quick_and_shown(scene: Scene) -> None:
    """Whatever resolution and format are chosen, a preview is a small picture."""
    viewer = test_scan(scene, preview="yes", resolution="600", format="pdf-a").headers["location"]
    answer = scene.wire.get(f"{viewer}/image")
    scene.worker.open()
    scene.worker.page()
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"].startswith("inline")


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "Film"},
        {"source": ""},
        {"color": "Purple"},
        {"resolution": "301"},
        {"resolution": "-1"},
        {"resolution": "9" * 5000},
        {"format": "xps"},
        {"scanner": "another"},
    ],
)
def test_wishes_that_the_page_does_not_offer_are_refused(scene: Scene, changes: dict[str, str]) -> None:
    """A forged form makes no job, and no fault of ours."""
    answer = test_scan(scene, **changes)
    assert answer.status == 409
    assert b"This could not be done" in answer.body
    assert scene.active() == []


def test_a_full_queue_says_so(scene: Scene) -> None:
    """The page has the queue's limit like everybody."""
    for _ in range(9):
        scene.create(ticket())
    answer = test_scan(scene)
    assert answer.status == 503
    assert b"ry again when some are done" in answer.body


@pytest.mark.parametrize("job", ["", "x", "-1", "1" * 50, "٣", "99"])
def test_cancelling_what_is_not_there(scene: Scene, job: str) -> None:
    """It is said, as a page."""
    fields = {"token": token_of(scene), "scanner": scene.served.enrolled.uuid, "job": job}
    assert send(scene, "/do/cancel", **fields).status == 409


def test_scan_to_nobody(scene: Scene) -> None:
    """A computer that has gone meanwhile is said, without markup from the form."""
    fields = {"token": token_of(scene), "scanner": scene.served.enrolled.uuid, "destination": "<b>PC</b>"}
    answer = send(scene, "/do/scan-to", **fields)
    assert answer.status == 409
    assert b"<b>PC" not in answer.body
