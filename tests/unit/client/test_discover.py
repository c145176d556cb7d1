"""`scanbridge discover`."""

from __future__ import annotations

import json

import pytest
from twisted.internet.task import Clock

from bridge.client import discover as module
from bridge.client.address import read_address
from bridge.client.device import Found
from bridge.client.discover import Sighting, discover, sight
from bridge.client.http import SoapClient
from bridge.client.probe import SCANNER_TYPE, Match
from bridge.errors import NothingFound
from bridge.settings import Settings
from bridge.soap import namespaces as ns
from bridge.soap.namespaces import tag
from tests.deferreds import success_result_of
from tests.fakes.soap_device import FakeDevice, raw
from tests.unit.client.test_device import DEVICE, SERVICE, URN, hosted, metadata

UUID = URN.removeprefix("urn:uuid:")
TYPES = (tag(ns.WSDP, "Device"), SCANNER_TYPE, "{urn:x}Odd")
MATCH = Match(URN, TYPES, (read_address(DEVICE),))
SEEN = Sighting(MATCH, Found(URN, "LiDE (pi)", read_address(SERVICE)))
MUTE = Sighting(MATCH, None)


def test_what_devices_are() -> None:
    """Every device is asked what it is; one that does not tell is still listed, and names are in order."""
    device = FakeDevice()
    device.answers(ns.TRANSFER_GET, metadata(hosted(SERVICE), "b"), metadata(hosted(SERVICE), "A"), raw(b"", 500))

    sightings = success_result_of(sight(SoapClient(device, Clock()), [MATCH, MATCH, MATCH]))

    assert [one.found.name if one.found else None for one in sightings] == [None, "A", "b"]


def test_for_programs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON has what the documentation promises, with names of types as we write them."""
    monkeypatch.setattr(module, "run", lambda _work: [SEEN, MUTE])

    assert discover(Settings(), as_json=True) == 0

    seen, mute = json.loads(capsys.readouterr().out)
    assert seen == {
        "uuid": UUID,
        "name": "LiDE (pi)",
        "types": ["wsdp:Device", "wscn:ScanDeviceType", "{urn:x}Odd"],
        "xaddrs": [DEVICE],
        "scan_url": SERVICE,
    }
    assert (mute["name"], mute["scan_url"]) == ("", "")


def test_for_people(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each scanner has its name, its UUID and where it scans."""
    monkeypatch.setattr(module, "run", lambda _work: [SEEN, MUTE])

    assert discover(Settings(), as_json=False) == 0

    assert capsys.readouterr().out.splitlines() == [
        f"LiDE (pi)  {UUID}  {SERVICE}",
        f"(tells nothing more)  {UUID}  {DEVICE}",
    ]


@pytest.mark.parametrize(("as_json", "out"), [(True, "[]\n"), (False, "")])
def test_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool, out: str
) -> None:
    """When nothing answers, the error says what to check, and programs still get a list."""
    monkeypatch.setattr(module, "run", lambda _work: [])

    with pytest.raises(NothingFound, match="UDP port 3702"):
        discover(Settings(), as_json=as_json)

    assert capsys.readouterr().out == out
