"""What other web sites cannot make a browser do here."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conversations.scene import Scene, ticket
from tests.http_answers import Answer
from tests.web_bridge import with_pages

HOST = "192.0.2.7:8018"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.bridge = with_pages(scene)  # type: ignore[attr-defined]
    return scene


def token_of(scene: Scene) -> str:
    page = scene.wire.get("/").body.decode()
    return page.partition('name="token" value="')[2].partition('"')[0]


def send(scene: Scene, path: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
    """The answer to a form."""
    form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return scene.wire.post(path, urlencode(fields).encode(), headers=form)


def cancel(scene: Scene, job: Any, headers: dict[str, str] | None = None, **changes: str) -> Answer:
    fields = {"token": token_of(scene), "scanner": scene.served.enrolled.uuid, "job": job.id, **changes}
    return send(scene, "/do/cancel", headers, **fields)


PAGES = ["/", "/status.json", "/metrics", "/style.css", "/live.js", "/icon.svg", "/test-scan/x", "/test-scan/x/image"]


@pytest.mark.parametrize("path", [*PAGES, "/events"])
@pytest.mark.parametrize("host", ["evil.example", "192.0.2.7.evil.example", "here.example", "localhost.evil:8018"])
def test_a_name_that_may_be_anybodys_is_refused(scene: Scene, path: str, host: str) -> None:
    """A site whose name suddenly has our address learns nothing (DNS rebinding)."""
    answer = scene.wire.connect().request("GET", path, headers={"Host": host})
    assert answer.status == 421
    assert b"name" in answer.body
    assert b"token" not in answer.body


@pytest.mark.parametrize("path", PAGES)
def test_every_page_defends_itself(scene: Scene, path: str) -> None:
    """No frame, no foreign source, nothing kept, nothing for other sites to embed; errors too."""
    headers = scene.wire.get(path).headers
    policy = headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


def test_a_form_of_this_page_is_taken(scene: Scene) -> None:
    """With the page's token, from the page itself, the job is cancelled."""
    job = scene.create(ticket())
    answer = cancel(scene, job, {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"})
    assert (answer.status, answer.headers["location"]) == (303, "/?done=cancelled")
    assert [state for _, state, *_ in scene.history()] == ["Canceled"]


@pytest.mark.parametrize(
    ("headers", "changes", "status"),
    [
        ({}, {"token": ""}, 403),
        ({}, {"token": "0" * 32}, 403),
        ({}, {"token": "é"}, 403),
        ({"Origin": "http://evil.example"}, {}, 403),
        ({"Origin": "null"}, {}, 403),
        ({"Origin": f"https://{HOST}"}, {}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, {}, 403),
        ({"Sec-Fetch-Site": "same-site"}, {}, 403),
        ({"Content-Type": "text/plain"}, {}, 415),
        ({"Host": "evil.example"}, {}, 421),
    ],
)
def test_a_form_of_another_site_does_nothing(
    scene: Scene, headers: dict[str, str], changes: dict[str, str], status: int
) -> None:
    """Whatever gives a foreign form away is enough, and the job goes on."""
    job = scene.create(ticket())
    assert cancel(scene, job, headers, **changes).status == status
    assert len(scene.active()) == 1


@pytest.mark.parametrize("path", ["/do/cancel", "/do/scan-to", "/do/test-scan"])
def test_no_link_does_anything(scene: Scene, path: str) -> None:
    """Actions take POST only."""
    answer = scene.wire.get(path)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_no_text_of_an_address_comes_onto_the_page(scene: Scene) -> None:
    """The notice after an action is one of ours."""
    body = scene.wire.get("/?done=Call+this+number").body
    assert b"Call this" not in body
    assert b"being cancelled" in scene.wire.get("/?done=cancelled").body
