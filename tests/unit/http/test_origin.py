"""Pages of others in a browser on our network: cross-site requests and DNS rebinding."""

from __future__ import annotations

import socket

import pytest

from bridge.http.origin import is_ours
from bridge.http.resources import SoapResource, Tree
from tests.clients import scan_action, windows
from tests.fakes.endpoint import FakeEndpoint, no_jobs
from tests.harness import Wire

REQUEST = windows(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>")


@pytest.fixture
def endpoint() -> FakeEndpoint:
    return FakeEndpoint(GetActiveJobs=no_jobs)


@pytest.fixture
def wire(endpoint: FakeEndpoint) -> Wire:
    tree = Tree()
    tree.putChild(b"scan", SoapResource(endpoint))
    return Wire(tree)


@pytest.mark.parametrize(
    "authority",
    [
        "192.0.2.7", "192.0.2.7:8018", "[fe80::7]:8018", "[fe80::7%25eth0]", "127.0.0.1:8018", "[::1]",
        "localhost:8018", "raspberrypi", "RASPBERRYPI:8018", "raspberrypi.local", "raspberrypi.local.:8018",
        "192.0.2.7:", "raspberrypi.lan", socket.gethostname(),
    ],
)  # fmt: skip
def test_addresses_and_names_that_nobody_else_can_own_are_ours(wire: Wire, authority: str) -> None:
    """Clients come by address, people by a name of mDNS, of the network's own or of the machine."""
    assert wire.post("/scan", REQUEST, headers={"Host": authority}).status == 200
    assert wire.connect().post(f"http://{authority}/scan", REQUEST, headers={"Host": "192.0.2.7"}).status == 200


REBOUND = [
    "evil.example", "evil.example:8018", "192.0.2.7.evil.example", "raspberrypi.local.evil.example",
    "[fe80::7].evil.example", "evil.example:8018:8018", "192.0.2.7@evil.example", "[fe80::7", "[not.an.address]",
]  # fmt: skip


@pytest.mark.parametrize("authority", REBOUND)
def test_a_page_whose_name_leads_here_gets_nothing(wire: Wire, endpoint: FakeEndpoint, authority: str) -> None:
    """Its requests name its own domain, in Host or in the target, and are refused before anybody looks at them."""
    for line, target, host in ((wire.connect(), "/scan", authority), (wire.connect(), f"http://{authority}/scan", "a")):
        assert line.post(target, REQUEST, headers={"Host": host}).status == 421
        assert line.answers[0].content_type == "text/plain"
    assert endpoint.asked == []
    assert wire.post("/scan", REQUEST).status == 200


def test_a_request_has_one_host(wire: Wire) -> None:
    """None, or two that could mean different things, is a request that cannot be trusted; HTTP/1.0 knew none."""
    assert wire.post("/scan", REQUEST, headers={"Host": ""}).status == 400
    assert wire.post("/scan", REQUEST, headers={"Host": "192.0.2.7\r\nHost: 192.0.2.7"}).status == 400
    assert wire.post("/scan", REQUEST, headers={"Host": ""}, version="HTTP/1.0").status == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://192.0.2.7:8018", 200), ("HTTP://192.0.2.7:8018", 200),
        ("http://192.0.2.7", 403), ("https://192.0.2.7:8018", 403), ("http://192.0.2.77:8018", 403),
        ("http://evil.example", 403), ("null", 403), ("", 200), ("file://", 403),
    ],
)  # fmt: skip
def test_pages_of_other_servers_may_ask_for_nothing(wire: Wire, origin: str, status: int) -> None:
    """A browser names the page's origin with every request that could do anything; clients of WSD name none."""
    assert wire.post("/scan", REQUEST, headers={"Origin": origin}).status == status


def test_an_origin_without_a_port_is_port_80(wire: Wire) -> None:
    """As browsers write it."""
    headers = {"Host": "192.0.2.7", "Origin": "http://192.0.2.7"}
    assert wire.post("/scan", REQUEST, headers=headers).status == 200
    assert wire.post("/scan", REQUEST, headers={**headers, "Host": "192.0.2.7:80"}).status == 200


def test_a_request_to_ask_for_permission_gets_none(wire: Wire) -> None:
    """A browser's preflight learns of no origin, method or header that would be allowed."""
    answer = wire.connect().request("OPTIONS", "/scan", headers={"Access-Control-Request-Method": "POST"})
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_page_may_send_without_permission_is_no_message(
    wire: Wire, endpoint: FakeEndpoint, content_type: str
) -> None:
    """The three types of simple requests are not taken, should a browser leave Origin out."""
    assert wire.post("/scan", REQUEST, headers={"Content-Type": content_type}).status == 415
    assert endpoint.asked == []


def test_names_are_compared_without_a_resolver() -> None:
    """An empty authority is nobody's."""
    assert not is_ours("")
    assert not is_ours(":8018")
