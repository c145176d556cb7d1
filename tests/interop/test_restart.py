"""A bridge that is started again is the same scanner to its clients, and they can tell that it was started again."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes import wsd_client
from tests.interop.comparison import assert_same_page
from tests.interop.conftest import Originals
from tests.interop.daemon import HANG_S, Daemon, running
from tests.interop.scanimage import static_client
from tests.schema_check import check_message

pytestmark = pytest.mark.interop

NS = {"wsa": wsd_client.WSA, "wsd": wsd_client.WSD}
STABLE_PATH = "/StableWSDiscoveryEndpoint/schemas-xmlsoap-org_ws_2005_04_discovery"


@dataclass(frozen=True)
class Match:
    """What a client learns of a scanner by a Probe."""

    address: str
    metadata_version: str
    instance_id: int


def probed(port: int) -> Match:
    """The only scanner that a directed Probe over HTTP finds at `port`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_S)
    try:
        connection.request("POST", STABLE_PATH, wsd_client.probe(), {"Content-Type": "application/soap+xml"})
        envelope = check_message(connection.getresponse().read())
    finally:
        connection.close()
    (match,) = envelope.findall(".//wsd:ProbeMatch", NS)
    address = match.findtext("wsa:EndpointReference/wsa:Address", "", NS)
    (sequence,) = envelope.findall(".//wsd:AppSequence", NS)
    return Match(address, match.findtext("wsd:MetadataVersion", "", NS), int(sequence.attrib["InstanceId"]))


@pytest.mark.conformance(51, 54, 89, 111, 177)
def test_a_restart_keeps_the_identity_and_raises_the_instance(tmp_path: Path, originals: Originals) -> None:
    """After a restart UUID and metadata version are as before, InstanceId and job ids are higher, and it scans."""
    matches, job_ids = [], []
    for _ in range(2):
        with running(Daemon(tmp_path)) as daemon:
            status = daemon.status()
            matches.append(probed(status["http_port"]))
            assert matches[-1].address == f"urn:uuid:{status['scanners'][0]['uuid']}"
            page = static_client(tmp_path, daemon.url).page("--mode", "Gray", "--resolution", "75")
            assert_same_page(page, originals("Gray", 75))
            job_ids.append(daemon.wait_for(lambda scanner: scanner["history"])["history"][-1]["id"])
    first, second = matches
    assert first.address == second.address
    assert first.metadata_version == second.metadata_version
    assert first.instance_id < second.instance_id
    assert job_ids[0] < job_ids[1]
