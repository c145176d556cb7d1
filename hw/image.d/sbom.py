#!/usr/bin/python3
"""Writes what is on a card as an SPDX 2.3 document (ISO/IEC 5962): each Debian package of the system with its version.

    sbom.py DPKG-STATUS IMAGE NAME >NAME.spdx.json

DPKG-STATUS is the card's var/lib/dpkg/status, IMAGE the file that people download. SOURCE_DATE_EPOCH is the document's
time, so that the same card gives the same document. What nobody here has looked into, such as licences, is
NOASSERTION, as SPDX wants it; each package's own copyright file is on the card in /usr/share/doc.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

PROJECT = "scanbridge"
UNKNOWN = "NOASSERTION"
IMAGE_ID = "SPDXRef-Image"
_SOURCE = re.compile(r"(?P<name>\S+)(?: \((?P<version>\S+)\))?")


def installed(status: str) -> Iterator[dict[str, str]]:
    """The fields of each installed package in dpkg's database, by name; only the first line of each field."""
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            yield fields


def package(fields: Mapping[str, str]) -> dict[str, Any]:
    """One Debian package as SPDX has it, with its source package and a package URL."""
    name, version, architecture = (fields[key] for key in ("Package", "Version", "Architecture"))
    source = _SOURCE.fullmatch(fields.get("Source", name))
    assert source is not None
    ours = name == PROJECT
    return {
        "SPDXID": _identifier(name, architecture),
        "name": name,
        "versionInfo": version,
        "supplier": UNKNOWN if ours else "Organization: Debian",
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "homepage": fields.get("Homepage", UNKNOWN),
        "sourceInfo": f"built from the source package {source['name']} {source['version'] or version}",
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": "MIT" if ours else UNKNOWN,
        "copyrightText": UNKNOWN,
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:deb/{'' if ours else 'debian/'}{quote(name, safe='.')}"
                f"@{quote(version, safe='.~')}?arch={architecture}",
            }
        ],
    }


def document(status: str, image: Path, name: str, created: datetime) -> dict[str, Any]:
    """The whole document for `image`, whose system has the dpkg database `status`."""
    packages = [package(fields) for fields in sorted(installed(status), key=lambda fields: fields["Package"])]
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    of_image = {
        "SPDXID": IMAGE_ID,
        "name": name,
        "versionInfo": next((each["versionInfo"] for each in packages if each["name"] == PROJECT), UNKNOWN),
        "packageFileName": image.name,
        "supplier": UNKNOWN,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        "primaryPackagePurpose": "OPERATING-SYSTEM",
    }
    contained = [
        {"spdxElementId": IMAGE_ID, "relationshipType": "CONTAINS", "relatedSpdxElement": each["SPDXID"]}
        for each in packages
    ]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {digest}").urn,
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: scanbridge-hw-build-image"],
        },
        "packages": [of_image, *packages],
        "relationships": [
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": IMAGE_ID,
            },
            *contained,
        ],
    }


def _identifier(name: str, architecture: str) -> str:
    """A name that SPDX allows: letters, digits, dots and hyphens; Debian has a plus besides."""
    return f"SPDXRef-deb-{name.replace('+', '.plus.')}-{architecture}"


def main(arguments: list[str]) -> None:
    """Write the document to standard output."""
    status, image, name = arguments
    created = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    told = document(Path(status).read_text(encoding="utf-8"), Path(image), name, created)
    json.dump(told, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
