"""The package says what is true: its version, what it needs, which ports it opens."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

from bridge import __version__
from bridge.discovery.multicast import PORT
from bridge.settings import Settings

ROOT = Path(__file__).parents[2]

PACKAGE_OF = {
    "PIL": "python3-pil",
    "automat": "python3-automat",
    "lxml": "python3-lxml",
    "netifaces": "python3-netifaces",
    "pyudev": "python3-pyudev",
    "sane": "python3-sane",
    "systemd": "python3-systemd",
    "twisted": "python3-twisted",
    "zope": "python3-zope.interface",
}
"""Which Debian package has a module that the bridge imports."""

PROJECT_OF = {
    "python3-automat": "automat",
    "python3-lxml": "lxml",
    "python3-netifaces": "netifaces",
    "python3-pil": "pillow",
    "python3-pyudev": "pyudev",
    "python3-sane": "python-sane",
    "python3-systemd": "systemd-python",
    "python3-twisted": "twisted",
}
"""What setup.cfg calls what Debian calls otherwise."""

FOR_MACHINES = {
    *("chromium", "chromium-driver", "dbus-daemon", "faketime", "gir1.2-umockdev-1.0", "iproute2", "nftables"),
    *("python3-gi", "python3-pytest-xdist", "python3-selenium", "sane-airscan", "umockdev"),
}
"""What ./test needs only for several machines, a browser, a USB bus or a second process, which a build does without."""

BUILD_ESSENTIAL = {"gcc", "libc6-dev"}
"""What every build of a package has."""

OF_TWISTED = {"python3-zope.interface"}
"""Comes with Twisted everywhere, and is named only where packages must name whatever they use."""


def control(field: str) -> set[str]:
    """The packages in a field of debian/control, without versions, profiles and substitutions."""
    text = (ROOT / "debian/control").read_text(encoding="utf-8")
    found = re.search(rf"^{field}:((?:.*\n)(?:[ ].*\n)*)", text, re.MULTILINE)
    assert found is not None
    names = {re.sub(r"[(<].*", "", entry).strip() for entry in found[1].split(",")}
    return {name for name in names if name and not name.startswith("$")}


def needed(script: str) -> set[str]:
    """The packages that ./run or ./test installs."""
    found = re.search(r"^packages='([^']*)'", (ROOT / script).read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return set(found[1].split())


def foreign_modules() -> set[str]:
    """The modules that the bridge imports and that neither Python nor the bridge itself brings."""
    found: set[str] = set()
    for path in (ROOT / "bridge").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"bridge"}


def test_versions_agree() -> None:
    """The changelog's newest version is the program's."""
    newest = re.match(r"scanbridge \(([^)]+)\) ", (ROOT / "debian/changelog").read_text(encoding="utf-8"))
    assert newest is not None
    assert newest[1] == __version__


def test_dependencies_are_exact() -> None:
    """The package depends on what the program imports, and on no Python package that it does not import."""
    modules = foreign_modules()
    assert modules <= PACKAGE_OF.keys(), "name the Debian package of a new module in PACKAGE_OF"
    depends = control("Depends")
    assert {name for name in depends if name.startswith("python3-")} == {PACKAGE_OF[module] for module in modules}
    assert {"libsane1", "libturbojpeg0", "python3", "systemd", "udev"} <= depends


def test_other_lists_of_dependencies_agree() -> None:
    """setup.cfg and ./run name what the package depends on."""
    depends = {name for name in control("Depends") if name.startswith("python3-")} - OF_TWISTED
    project = configparser.ConfigParser(interpolation=None)
    project.read(ROOT / "setup.cfg", encoding="utf-8")
    assert set(project["options"]["install_requires"].split()) == {PROJECT_OF[name] for name in depends}
    assert {name for name in needed("run") if name.startswith("python3-")} == depends


def test_a_build_can_run_the_tests() -> None:
    """A build of the package has what the tests need that it runs."""
    assert needed("test") - FOR_MACHINES - BUILD_ESSENTIAL <= control("Build-Depends")


def test_firewall_definitions_open_the_ports() -> None:
    """firewalld's and ufw's definitions open the port of discovery and the default HTTP port, and no other."""
    http = Settings().network.http_port
    service = ElementTree.parse(ROOT / "debian/firewall/scanbridge.xml").getroot()
    opened = {(port.get("protocol"), port.get("port")) for port in service.iter("port")}
    assert opened == {("udp", str(PORT)), ("tcp", str(http))}

    profile = configparser.ConfigParser(interpolation=None)
    profile.read(ROOT / "debian/firewall/scanbridge.ufw", encoding="utf-8")
    assert set(profile["Scanbridge"]["ports"].split("|")) == {f"{PORT}/udp", f"{http}/tcp"}


def test_the_rule_comes_after_libsane() -> None:
    """Our udev rule sorts after the one that says what is a scanner, and asks for a unit that there is."""
    priority = re.search(r"dh_installudev --priority=(\d+)", (ROOT / "debian/rules").read_text(encoding="utf-8"))
    assert priority is not None
    assert f"{priority[1]}-scanbridge.rules" > "60-libsane1.rules"
    rule = (ROOT / "systemd/scanbridge.udev").read_text(encoding="utf-8")
    wanted = re.search(r'ENV\{SYSTEMD_WANTS\}\+="([^"]+)"', rule)
    assert wanted is not None
    assert f"Alias={wanted[1]}" in (ROOT / "systemd/scanbridge.service").read_text(encoding="utf-8").splitlines()


def test_every_line_of_the_service_is_explained() -> None:
    """docs/systemd.md names every option of the service."""
    service = (ROOT / "systemd/scanbridge.service").read_text(encoding="utf-8")
    options = set(re.findall(r"^([A-Z]\w+)=", service, re.MULTILINE))
    text = (ROOT / "docs/systemd.md").read_text(encoding="utf-8")
    assert {option for option in options if f"`{option}" not in text} == set()
