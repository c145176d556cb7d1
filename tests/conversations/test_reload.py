"""What subscribers hear when the settings of a scanner change while it is served."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from bridge.scanner.protocol import Ready, Watching
from bridge.soap import namespaces as ns
from tests.conversations.scene import NAMES, Fault, Scene, feeder, text, ticket
from tests.fakes.scripted_scanner import FLATBED_AND_FEEDER

SUBSCRIBE = (
    "<wse:Subscribe><wse:Delivery><wse:NotifyTo><wsa:Address>http://192.0.2.20:5357/sink</wsa:Address></wse:NotifyTo>"
    "</wse:Delivery><wse:Expires>PT1H</wse:Expires>"
    f'<wse:Filter Dialect="{ns.WSDP}/Action">{ns.WSCN}/ScannerElementsChangeEvent</wse:Filter></wse:Subscribe>'
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.conformance(288)
def test_a_scanner_that_was_carried_elsewhere(scene: Scene) -> None:
    """A new location is one ScannerElementsChangeEvent with the whole ScannerDescription and nothing else."""
    scene.ask(f"{ns.WSE}/Subscribe", SUBSCRIBE)
    scene.served.move_to("in the attic")
    scene.served.move_to("in the attic")
    scene.wire.pump()
    ((url, message),) = scene.sinks.posted
    assert url == "http://192.0.2.20:5357/sink"
    (changes,) = etree.fromstring(message).iterfind(".//wscn:ElementChanges", NAMES)
    assert [ns.local_name(section.tag) for section in changes] == ["ScannerDescription"]
    assert text(changes, ".//wscn:ScannerLocation") == "in the attic"
    assert text(changes, ".//wscn:ScannerName") == scene.served.metadata.friendly_name


@pytest.mark.conformance(288)
def test_a_scanner_that_loses_its_feeder(scene: Scene) -> None:
    """Other capabilities are one ScannerElementsChangeEvent with the whole ScannerConfiguration; the same ones none."""
    scene.ask(f"{ns.WSE}/Subscribe", SUBSCRIBE)
    assert not scene.served.adopt(FLATBED_AND_FEEDER)
    assert scene.served.adopt(replace(FLATBED_AND_FEEDER, adf_front=None))
    scene.wire.pump()
    ((_, message),) = scene.sinks.posted
    (changes,) = etree.fromstring(message).iterfind(".//wscn:ElementChanges", NAMES)
    assert [ns.local_name(section.tag) for section in changes] == ["ScannerConfiguration"]
    assert changes.find(".//wscn:Platen", NAMES) is not None
    assert changes.find(".//wscn:ADF", NAMES) is None


@pytest.mark.conformance(183, 185)
def test_a_feeder_whose_sensor_says_that_it_is_empty(scene: Scene) -> None:
    """Where a sensor tells, CreateScanJob for an empty feeder is the fault at once, and there is no job."""
    scene.served.buttons.switch(0.5)
    scene.worker.say(Ready(), Watching(("scan",), True), Watching(("scan",), False))
    with pytest.raises(Fault, match="ClientErrorNoImagesAvailable"):
        scene.create(ticket(parameters=feeder()))
    assert scene.active() == []
    scene.create(ticket())
