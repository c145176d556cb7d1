"""What becomes of a ticket, as it stands on the wire: the marks of the final values, and tickets that say little."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bridge.soap import namespaces as ns
from tests.conversations.scene import NAMES, Scene, text, ticket

OVERRIDE = {f"{{{ns.WSCN}}}Override": "true"}
USED_DEFAULT = {f"{{{ns.WSCN}}}UsedDefault": "true"}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def create(scene: Scene, parameters: str) -> Any:
    """CreateScanJobResponse for a ticket with this inside its DocumentParameters. Raises Fault."""
    return scene.create(ticket(parameters=parameters.replace("<", "<{scan}:").replace("<{scan}:/", "</{scan}:"))).answer


def leaves(answer: Any) -> dict[str, tuple[str, dict[str, str]]]:
    """Text and attributes of every leaf of DocumentFinalParameters, by its path."""
    final = answer.find("wscn:DocumentFinalParameters", NAMES)
    tree = final.getroottree()
    return {
        tree.getelementpath(leaf).split("DocumentFinalParameters/")[1].replace(f"{{{ns.WSCN}}}", ""): (
            leaf.text,
            dict(leaf.attrib),
        )
        for leaf in final.iter()
        if not len(leaf)
    }


@pytest.mark.conformance(144, 146, 147, 165)
def test_every_final_value_says_where_it_comes_from(scene: Scene) -> None:
    """What was asked for and can be done has no mark, what was changed Override, what was not asked for UsedDefault."""
    answer = create(
        scene,
        "<Format>exif</Format><CompressionQualityFactor>50</CompressionQualityFactor><InputSource>Platen</InputSource>"
        "<ContentType>Photo</ContentType><Rotation>90</Rotation><MediaSides><MediaFront>"
        "<ColorProcessing>Grayscale8</ColorProcessing><Resolution><Width>299</Width></Resolution></MediaFront></MediaSides>",
    )
    found = leaves(answer)
    front = "MediaSides/MediaFront/"
    taken = {
        "Format": "exif",
        "CompressionQualityFactor": "50",
        "InputSource": "Platen",
        f"{front}ColorProcessing": "Grayscale8",
    }
    changed = {"ContentType": "Auto", "Rotation": "0", f"{front}Resolution/Width": "300"}
    assert {path: found.pop(path) for path in taken} == {path: (value, {}) for path, value in taken.items()}
    assert {path: found.pop(path) for path in changed} == {path: (value, OVERRIDE) for path, value in changed.items()}
    assert len(found) == 13
    assert [marks for _, marks in found.values()] == [USED_DEFAULT] * len(found)


@pytest.mark.conformance(149, 150, 152)
def test_a_ticket_that_leaves_out_what_may_be_left_out(scene: Scene) -> None:
    """Exposure without Sharpness and a Resolution of Width alone are honoured."""
    answer = create(
        scene,
        '<Exposure {scan}:MustHonor="true"><ExposureSettings><Contrast>0</Contrast><Brightness>0</Brightness>'
        '</ExposureSettings></Exposure><MediaSides><MediaFront><Resolution {scan}:MustHonor="true"><Width>150</Width>'
        "</Resolution></MediaFront></MediaSides>",
    )
    found = leaves(answer)
    assert found["Exposure/ExposureSettings/Contrast"] == ("0", {})
    assert found["Exposure/ExposureSettings/Brightness"] == ("0", {})
    assert found["Exposure/ExposureSettings/Sharpness"] == ("0", USED_DEFAULT)
    assert found["MediaSides/MediaFront/Resolution/Width"] == ("150", {})
    assert found["MediaSides/MediaFront/Resolution/Height"] == ("150", USED_DEFAULT)


@pytest.mark.conformance(25)
def test_attributes_of_strangers_change_nothing(scene: Scene) -> None:
    """Attributes of a foreign namespace on every element of a ticket, and a job all the same."""
    plain = ticket(
        parameters="<{scan}:Format>exif</{scan}:Format><{scan}:Scaling><{scan}:ScalingWidth>100</{scan}:ScalingWidth>"
        "<{scan}:ScalingHeight>100</{scan}:ScalingHeight></{scan}:Scaling>"
    )
    strange = re.sub(r"<(\{scan\}:\w+)>", r'<\1 o:MustHonor="maybe" o:x="1">', plain)
    strange = strange.replace("<{scan}:ScanTicket", '<{scan}:ScanTicket xmlns:o="urn:o"')
    expected, got = scene.create(plain), scene.create(strange)
    assert leaves(got.answer) == leaves(expected.answer)
    assert text(got.answer, ".//wscn:Format") == "exif"
