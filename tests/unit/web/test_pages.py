"""What a browser and `scanbridge status` are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.scanner.protocol import Status
from bridge.web.status import status_of
from tests.conversations.scene import Scene, feeder, ticket
from tests.web_bridge import bridge_of, with_pages


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    with_pages(scene)
    return scene


def status(scene: Scene) -> dict:
    answer = scene.wire.get("/status.json")
    assert answer.content_type == "application/json"
    return json.loads(answer.body)


def test_the_status_has_what_the_command_line_promises(scene: Scene) -> None:
    """Version, readiness, port, and for each scanner its identity, state, addresses, worker and jobs."""
    told = status(scene)
    assert told["ready"] is True
    assert told["http_port"] == 8018
    (scanner,) = told["scanners"]
    assert scanner["uuid"] == scene.served.enrolled.uuid
    assert (scanner["state"], scanner["reasons"]) == ("Idle", ["None"])
    assert scanner["urls"]["service"] == f"http://192.0.2.7:8018{scene.path}"
    assert scanner["worker"] == {"pid": 1000, "restarts": 0}
    assert (scanner["active_jobs"], scanner["history"], told["subscriptions"]) == ([], [], [])


def test_jobs_are_told_newest_last(scene: Scene) -> None:
    """Active and past jobs are there with number, name, user, state, reasons and count."""
    done = scene.create(ticket("done", "ada"))
    scene.scan_page(done)
    second = scene.create(ticket("second"))
    scene.scan_page(second)
    waiting = scene.create(ticket("waiting", "bob", parameters=feeder()))
    (scanner,) = status(scene)["scanners"]
    assert [job["id"] for job in scanner["history"]] == [int(done.id), int(second.id)]
    (active,) = scanner["active_jobs"]
    assert active["id"] == int(waiting.id)
    assert (active["name"], active["user"]) == ("waiting", "bob")
    assert (active["state"], active["reasons"]) == ("Pending", ["None"])
    assert scanner["history"][0]["completed"].endswith("Z")
    assert active["completed"] is None


def test_hostile_names_are_text(scene: Scene) -> None:
    """Markup in a job's name reaches the page as text, and the page loads nothing from anywhere."""
    scene.create(ticket("&lt;script&gt;alert(1)&lt;/script&gt;", "&amp;&quot;"))
    answer = scene.wire.get("/")
    assert b"<script>alert" not in answer.body
    assert b"&lt;script&gt;alert(1)" in answer.body


def test_what_is_wrong_is_on_the_page(scene: Scene) -> None:
    """A stopped scanner says why."""
    job = scene.create(ticket(parameters=feeder()))
    scene.retrieve(job)
    scene.worker.open()
    scene.worker.fail(Status.JAMMED)
    assert b"Paper is jammed: take it out" in scene.wire.get("/").body
    (scanner,) = status(scene)["scanners"]
    assert scanner["conditions"][0]["name"] == "MediaJam"


def test_what_the_board_has_to_tell_is_on_the_page(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """On an SD image: mistakes in the card's settings, and the last update; elsewhere neither is spoken of."""
    assert status(scene)["board"] is None
    assert b"card" not in scene.wire.get("/").body.replace(b'class="card"', b"")

    notes = {"problems": ["scanner.name: expected <a text>"], "update": "In effect: it works."}
    monkeypatch.setattr("bridge.web.status.board_notes", lambda: notes)

    assert status(scene)["board"] == notes
    page = scene.wire.get("/").body
    assert b"The card&#39;s settings: scanner.name: expected &lt;a text&gt;" in page or (
        b"The card's settings: scanner.name: expected &lt;a text&gt;" in page
    )
    assert b"The last update of the card. In effect: it works." in page


def test_a_client_of_another_family_gets_its_own_addresses(scene: Scene) -> None:
    """URLs are valid where the reader is: an IPv6 address in brackets."""
    told = status_of(bridge_of(scene), "2001:db8::7")
    assert told["scanners"][0]["urls"]["device"].startswith("http://[2001:db8::7]:8018/")


def test_how_far_each_computer_got(tmp_path: Path) -> None:
    """A PC's stages, what they mean and what to do; this machine itself is no PC that was added."""
    scene = Scene(tmp_path)
    bridge = with_pages(scene)
    bridge.visitors.looked("192.0.2.7", "Probe")
    page = scene.wire.get("/").body.decode()
    assert "None yet." in page
    assert "this machine" in page
    bridge.visitors.asked("192.0.2.20", "WSDAPI", "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", 200)
    bridge.visitors.asked("192.0.2.20", "WSDAPI", "http://example/GetScannerElements", 400)
    bridge.visitors.turned_away("198.51.100.7", "search")
    page = scene.wire.get("/").body.decode()
    assert "None yet." not in page
    assert "Windows PC" in page
    assert "So far it read the description, and installed no driver" in page
    assert "Its GetScannerElements was refused (HTTP 400)" in page
    assert "198.51.100.7 tried too and was turned away" in page
