"""Newer packages of the bridge, made from the one that was built for the image: they need no second build."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SOURCE = "usr/share/scanbridge/bridge"


def newer_package(folder: Path, version: str, *, broken: bool = False) -> Path:
    """A package of the same files that says it is `version`; when `broken`, its service ends at once."""
    (built,) = (PROJECT / "build").glob("scanbridge_*_all.deb")
    tree = folder / f"package-{version}"
    subprocess.run(["dpkg-deb", "-R", str(built), str(tree)], check=True)
    _replace(tree / "DEBIAN/control", r"(?m)^Version: .*", f"Version: {version}")
    _replace(tree / SOURCE / "__init__.py", r'__version__ = ".*"', f'__version__ = "{version}"')
    if broken:
        with (tree / SOURCE / "app.py").open("a") as file:
            file.write('\nraise RuntimeError("this package was broken for a test")\n')
    package = folder / f"scanbridge_{version}_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(tree), str(package)], check=True)
    return package


def _replace(path: Path, pattern: str, text: str) -> None:
    changed, count = re.subn(pattern, text, path.read_text())
    assert count == 1, f"{path}: {pattern}"
    path.write_text(changed)
