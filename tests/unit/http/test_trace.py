"""The wire trace: what clients and the bridge say to each other, for people."""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent

from bridge.http.resources import SoapResource, Tree
from bridge.http.trace import WireTrace, printable
from tests.clients import scan_action, windows
from tests.fakes.endpoint import FakeEndpoint, FakeImageStream, image_reply, no_jobs
from tests.harness import Wire


def traced(trace: WireTrace) -> list[str]:
    """The trace of two requests, the second for an image."""
    stream = FakeImageStream()
    tree = Tree()
    endpoint = FakeEndpoint(GetActiveJobs=no_jobs, RetrieveImage=lambda: image_reply(stream))
    tree.putChild(b"scan", SoapResource(endpoint, trace=trace))
    wire = Wire(tree)
    with capturedLogs() as logs:
        wire.post("/scan", windows(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>"))
        wire.post("/scan", windows(scan_action("RetrieveImage")))
        stream.write(b"IMAGE-BYTES")
        stream.done()
        wire.pump()
        wire.post("/scan", b"--", headers={"Content-Type": "multipart/related; boundary=b"})
    return [formatEvent(event) for event in logs if event["log_namespace"] == "bridge.http.trace"]


def test_both_sides_are_written_and_images_cut_out() -> None:
    """Each request and each answer is in the log, an image by its type only."""
    lines = traced(WireTrace(True))
    assert [line.splitlines()[0] for line in lines] == [
        "192.0.2.20 -> /scan",
        "192.0.2.20 <- /scan 200",
        "192.0.2.20 -> /scan",
        "192.0.2.20 <- /scan 200",
        "192.0.2.20 <- /scan 400",
    ]
    assert "GetActiveJobsResponse" in lines[1]
    assert lines[3].endswith("(image/jpeg follows)")
    assert "IMAGE-BYTES" not in "".join(lines)


def test_nothing_is_written_unless_asked_for() -> None:
    """The trace is off by default, and can be switched while the bridge runs."""
    assert traced(WireTrace()) == []
    trace = WireTrace(True)
    trace.enabled = False
    assert traced(trace) == []


def test_other_messages_are_shown_with_their_way() -> None:
    """What went another way than by a request stands under the line that says which, or alone when it is empty."""
    with capturedLogs() as logs:
        for trace in (WireTrace(True), WireTrace(False)):
            trace.message("all <- eth0 (IPv4)", b"<Hello/>\x07")
            trace.message("192.0.2.9 -> http://192.0.2.9:5357/x 202", b"")
    assert [formatEvent(event) for event in logs] == [
        "all <- eth0 (IPv4)\n<Hello/>\\x07",
        "192.0.2.9 -> http://192.0.2.9:5357/x 202",
    ]


def test_no_message_steers_a_terminal() -> None:
    """Control characters are shown, not sent, whatever the encoding."""
    assert printable(b"a\x1b[2J\x00\r\nb\tc\xff\xc2\x9b") == "a\\x1b[2J\\x00\nb\tc\\xff\\x9b"
    assert printable("\ufeff<ä>\x07".encode("utf-16-le")) == "<ä>\\x07"
