"""Server-sent events: the status at once, then each change, for a bounded number of readers that read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.web.events import ALIVE_S, LOOK_S, MAX_LISTENERS
from tests.conversations.scene import Scene, ticket
from tests.harness import Connection
from tests.web_bridge import with_pages


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.bridge = with_pages(scene)  # type: ignore[attr-defined]
    return scene


def told(body: bytes) -> list[Any]:
    blocks = [block for block in body.decode().split("\n\n") if block.startswith("event: status\ndata: ")]
    return [json.loads(block.removeprefix("event: status\ndata: ")) for block in blocks]


def test_the_status_and_its_changes(scene: Scene) -> None:
    """The first event comes at once; a change comes with the next look; without a change nothing does."""
    answer = scene.wire.get("/events")
    assert answer.content_type == "text/event-stream"
    assert [each["scanners"][0]["active_jobs"] for each in told(answer.body)] == [[]]
    scene.wire.advance(LOOK_S)
    assert len(told(answer.body)) == 1
    scene.create(ticket("letter"))
    scene.create(ticket("second"))
    assert len(told(answer.body)) == 1
    scene.wire.advance(LOOK_S)
    assert [job["name"] for job in told(answer.body)[-1]["scanners"][0]["active_jobs"]] == ["letter", "second"]
    assert len(told(answer.body)) == 2


def test_silence_is_told_too(scene: Scene) -> None:
    """A comment goes out now and then, so that a dead connection is noticed."""
    answer = scene.wire.get("/events")
    for _ in range(ALIVE_S + 1):
        scene.wire.advance(LOOK_S)
    assert answer.body.endswith(b": alive\n\n")


def test_a_reader_that_does_not_read_costs_nothing(scene: Scene) -> None:
    """What it does not take is not kept for it; it gets the newest when it reads again."""
    line = scene.wire.connect()
    line.window = 0
    answer = line.get("/events")
    for number in range(100):
        scene.bridge.http_port = number  # type: ignore[attr-defined]
        scene.wire.advance(LOOK_S)
    assert 0 < line.transport.buffered < 100_000
    line.read_on()
    scene.wire.advance(LOOK_S)
    assert told(answer.body)[-1]["http_port"] == 99
    assert len(told(answer.body)) < 50


def test_not_more_readers_than_may_be(scene: Scene) -> None:
    """The next one hears 503, and one that leaves makes room; nobody looks when nobody listens."""
    lines: list[Connection] = [scene.wire.connect(peer=f"192.0.2.{30 + n}") for n in range(MAX_LISTENERS)]
    assert {line.get("/events").status for line in lines} == {200}
    assert scene.wire.get("/events").status == 503
    lines[0].disconnect()
    late = scene.wire.connect()
    assert late.get("/events").status == 200
    for line in [*lines[1:], late]:
        line.disconnect()
    calls = len(scene.reactor.getDelayedCalls())
    scene.wire.advance(LOOK_S)
    assert len(scene.reactor.getDelayedCalls()) <= calls


def test_the_end_of_the_bridge_ends_the_streams(scene: Scene) -> None:
    """A stream is ended whole when the bridge stops."""
    answer = scene.wire.get("/events")
    scene.bridge.pages.close()  # type: ignore[attr-defined]
    scene.wire.pump()
    assert answer.complete
