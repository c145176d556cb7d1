"""The bridge on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.client.address import read_address
from bridge.client.device import Found
from bridge.client.local import local_scanners
from bridge.settings import Control, Settings
from bridge.system import asking

SETTINGS = Settings(control=Control("/tmp/x.sock"))


def told(monkeypatch: pytest.MonkeyPatch, status: dict[str, Any]) -> list[Found]:
    """What is made of `status`."""
    monkeypatch.setattr(asking, "ask_first", lambda _paths, _request: status)
    return local_scanners(SETTINGS)


def scanner(**changes: Any) -> dict[str, Any]:
    """A scanner in the daemon's status."""
    return {"uuid": "aaaa", "name": "LiDE\x9b", "urls": {"service": "http://192.0.2.7:8018/aaaa/scan"}, **changes}


def test_its_scanners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every scanner is taken at the loopback address and the port of the daemon."""
    found = told(monkeypatch, {"http_port": 4711, "scanners": [scanner(), scanner(uuid="bbbb")]})

    assert found == [
        Found("urn:uuid:aaaa", r"LiDE\x9b", read_address("http://127.0.0.1:4711/aaaa/scan")),
        Found("urn:uuid:bbbb", r"LiDE\x9b", read_address("http://127.0.0.1:4711/aaaa/scan")),
    ]


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"http_port": "x", "scanners": [scanner()]},
        {"http_port": 1, "scanners": 7},
        {"http_port": 1, "scanners": [7, {}, scanner(urls=None), scanner(urls={"service": "nonsense"})]},
    ],
)
def test_a_status_that_makes_no_sense(monkeypatch: pytest.MonkeyPatch, status: dict[str, Any]) -> None:
    """What cannot be understood counts as no scanner."""
    assert told(monkeypatch, status) == []


@pytest.mark.parametrize("error", [asking.NotRunning(), asking.ControlError("no permission")])
def test_no_bridge(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Without a bridge that answers, there is nothing here."""

    def fail(_paths: object, _request: object) -> dict[str, Any]:
        raise error

    monkeypatch.setattr(asking, "ask_first", fail)

    assert local_scanners(SETTINGS) == []
