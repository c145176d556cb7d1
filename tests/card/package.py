"""Newer packages of the bridge, made from the one that was built for the image: they need no second build."""

from __future__ import annotations

import hashlib
import re
import shutil
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


def archive(folder: Path, package: Path) -> None:
    """Make of `folder` an archive for apt with this one package in it."""
    folder.mkdir()
    shutil.copyfile(package, folder / package.name)
    control = subprocess.run(["dpkg-deb", "-f", str(package)], check=True, capture_output=True, text=True).stdout
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    place = f"Filename: ./{package.name}\nSize: {package.stat().st_size}\nSHA256: {digest}\n"
    (folder / "Packages").write_text(control.rstrip("\n") + "\n" + place)


def _replace(path: Path, pattern: str, text: str) -> None:
    changed, count = re.subn(pattern, text, path.read_text())
    assert count == 1, f"{path}: {pattern}"
    path.write_text(changed)
