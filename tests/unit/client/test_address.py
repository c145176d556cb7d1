"""URLs of devices."""

from __future__ import annotations

import pytest

from bridge.client.address import MAX_URL, read_address


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://192.0.2.7:8018/a/scan", "http://192.0.2.7:8018/a/scan"),
        ("http://192.0.2.7", "http://192.0.2.7/"),
        ("http://192.0.2.7:80/", "http://192.0.2.7/"),
        ("  HTTP://Pi.Local:8018/A ", "http://pi.local:8018/A"),
        ("http://[FD00:0::1]:8018/a", "http://[fd00::1]:8018/a"),
        ("http://[fe80::1%25eth0]:8018/a", "http://[fe80::1%25eth0]:8018/a"),
        ("http://[fe80::1%eth0]/a?b=c", "http://[fe80::1%25eth0]/a?b=c"),
    ],
)
def test_what_is_a_url(url: str, text: str) -> None:
    """A URL is taken in any usual spelling and written in one."""
    assert str(read_address(url)) == text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "192.0.2.7:8018",
        "urn:uuid:1",
        "https://192.0.2.7/",
        "ftp://192.0.2.7/",
        "http://user:secret@192.0.2.7/",
        "http://192.0.2.7:99999/",
        "http://192.0.2.7:x/",
        "http://[::1/",
        "http://[1:2]/",
        "http://pi/a b",
        "http://pi/\x00",
        "http://drück.er/",
        "http://pi/" + "x" * MAX_URL,
    ],
)
def test_what_is_none(url: str) -> None:
    """Everything that is no http URL of a host is refused."""
    with pytest.raises(ValueError, match=r"not a"):
        read_address(url)


def test_the_zone_stays_at_home() -> None:
    """On the wire an address has no zone; a Host header has its brackets."""
    address = read_address("http://[fe80::1%25eth0]:8018/a")

    assert address.wire == "http://[fe80::1]:8018/a"
    assert address.host_header == "[fe80::1]:8018"
    assert read_address("http://192.0.2.7/").host_header == "192.0.2.7"


def test_link_local_addresses_get_an_interface() -> None:
    """Only an IPv6 link-local address without a zone takes on the interface that it was heard on."""
    assert str(read_address("http://[fe80::1]/").on("eth0")) == "http://[fe80::1%25eth0]/"
    assert str(read_address("http://[fe80::1%25eth1]/").on("eth0")) == "http://[fe80::1%25eth1]/"
    assert str(read_address("http://[fd00::1]/").on("eth0")) == "http://[fd00::1]/"
    assert str(read_address("http://169.254.1.1/").on("eth0")) == "http://169.254.1.1/"
