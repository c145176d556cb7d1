"""The list of a card's parts: what SPDX 2.3 demands of it, and that it tells what dpkg tells."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.programs import load

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "hw/image.d/sbom.py"
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

STATUS = """Package: scanbridge
Status: install ok installed
Architecture: all
Version: 0.5
Description: a bridge
 Version: not a field

Package: libstdc++6
Status: install ok installed
Architecture: arm64
Multi-Arch: same
Source: gcc-14 (14.2.0-19)
Version: 14.2.0-19+b1
Homepage: http://gcc.gnu.org/

Package: gone
Status: deinstall ok config-files
Architecture: arm64
Version: 1

Package: tar
Status: install ok installed
Architecture: arm64
Version: 1:1.35~rc+dfsg-3.1
"""

PACKAGE_URL = re.compile(r"pkg:deb/(?:debian/)?(?P<name>[^@/]+)@(?P<version>[^?]+)\?arch=(?P<architecture>\w+)")

SBOM = load(PROGRAM)


def assert_spdx(told: dict[str, Any]) -> None:
    """What SPDX 2.3 demands (chapters 6, 7 and 11; table 1 of each clause for what must be there)."""
    assert told["spdxVersion"] == "SPDX-2.3"
    assert told["dataLicense"] == "CC0-1.0"
    assert told["SPDXID"] == "SPDXRef-DOCUMENT"
    assert re.fullmatch(r"[a-z][a-z0-9+.-]*:[^#\s]+", told["documentNamespace"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["creationInfo"]["created"])
    assert all(re.match(r"(Person|Organization|Tool): \S", each) for each in told["creationInfo"]["creators"])
    identifiers = [each["SPDXID"] for each in told["packages"]]
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each) for each in identifiers)
    assert len(set(identifiers)) == len(identifiers)
    for each in told["packages"]:
        assert each["name"]
        assert each["downloadLocation"] == "NOASSERTION"
        assert each["filesAnalyzed"] is False
        assert re.fullmatch(r"NOASSERTION|(Person|Organization): .+", each["supplier"])
        for sum_of in each.get("checksums", []):
            assert (sum_of["algorithm"], len(sum_of["checksumValue"])) == ("SHA256", 64)
        for reference in each.get("externalRefs", []):
            assert (reference["referenceCategory"], reference["referenceType"]) == ("PACKAGE-MANAGER", "purl")
    known = {*identifiers, told["SPDXID"]}
    for relation in told["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= known
    assert any(relation["relationshipType"] == "DESCRIBES" for relation in told["relationships"])


def listed(told: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Name, version and architecture of each Debian package, read back from its package URL."""
    found = set()
    for each in told["packages"]:
        for reference in each.get("externalRefs", []):
            url = PACKAGE_URL.fullmatch(reference["referenceLocator"])
            assert url is not None, reference
            assert (unquote(url["name"]), unquote(url["version"])) == (each["name"], each["versionInfo"])
            found.add((each["name"], each["versionInfo"], url["architecture"]))
    return found


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Something to download."""
    path = tmp_path / "scanbridge-pi.img.zst"
    path.write_bytes(b"image")
    return path


def test_it_is_spdx_and_names_what_is_installed(image: Path) -> None:
    """Epochs, pluses and tildes come through; what is not installed is not there."""
    told = SBOM.document(STATUS, image, "scanbridge-pi", MADE)

    assert_spdx(told)
    assert listed(told) == {
        ("scanbridge", "0.5", "all"),
        ("libstdc++6", "14.2.0-19+b1", "arm64"),
        ("tar", "1:1.35~rc+dfsg-3.1", "arm64"),
    }
    assert told["creationInfo"]["created"] == "2026-01-02T03:04:05Z"


def test_it_tells_the_image_by_its_checksum(image: Path) -> None:
    """The document belongs to one file, holds all packages, and has the version of our own one."""
    told = SBOM.document(STATUS, image, "scanbridge-pi", MADE)
    (of_image,) = (each for each in told["packages"] if each["SPDXID"] == "SPDXRef-Image")

    assert of_image["checksums"][0]["checksumValue"] == hashlib.sha256(b"image").hexdigest()
    assert (of_image["packageFileName"], of_image["versionInfo"]) == ("scanbridge-pi.img.zst", "0.5")
    contained = {each["relatedSpdxElement"] for each in told["relationships"] if each["relationshipType"] == "CONTAINS"}
    assert contained == {each["SPDXID"] for each in told["packages"]} - {"SPDXRef-Image"}


def test_the_source_of_a_package_is_named(image: Path) -> None:
    """Also where it has another name or version."""
    told = SBOM.document(STATUS, image, "scanbridge-pi", MADE)
    sources = {each["name"]: each.get("sourceInfo") for each in told["packages"]}

    assert sources["libstdc++6"] == "built from the source package gcc-14 14.2.0-19"
    assert sources["tar"] == "built from the source package tar 1:1.35~rc+dfsg-3.1"


def test_this_very_machine(image: Path) -> None:
    """A whole database: the same packages with the same versions as dpkg-query lists, and the same document twice."""
    command = ["/usr/bin/python3", str(PROGRAM), "/var/lib/dpkg/status", str(image), "machine"]
    environment = {"SOURCE_DATE_EPOCH": "1790000000"}
    first, second = (
        subprocess.run(command, env=environment, capture_output=True, check=True).stdout for _ in range(2)
    )
    told = json.loads(first)
    form = "${db:Status-Status} ${Package} ${Version} ${Architecture}\n"
    lines = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True).stdout

    assert_spdx(told)
    assert listed(told) == {
        tuple(line.split()[1:]) for line in lines.splitlines() if line.startswith("installed ")
    }
    assert first == second
