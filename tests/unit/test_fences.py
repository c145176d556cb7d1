"""The fences of the architecture, kept by reading the imports of every module (design, the map)."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BRIDGE = ROOT / "bridge"

MAX_LINES = 400
"""Longest module; the aim is a median of about 120."""

MAY_IMPORT: dict[str, set[str]] = {
    "discovery": {"soap", "dpws"},
    "http": {"soap"},
    "soap": set(),
    "dpws": {"soap"},
    "wsscan": {"soap", "dpws", "jobs", "scanner"},
    "jobs": {"scanner"},
    "scanner": {"imaging"},
    "imaging": set(),
    "web": {"http", "jobs", "scanner", "system"},
    "client": {"soap", "scanner", "system"},
    "board": {"discovery", "system"},
    "system": set(),
    "doctor": {"discovery", "client", "scanner", "system"},
}
"""Which folder may import which. SOAP is a language that discovery, DPWS and the scan service speak; below them
stand jobs, scanner and imaging, which do not know it."""

VALUES = {
    *("bridge.scanner.model", "bridge.scanner.protocol", "bridge.scanner.quirks", "bridge.scanner.status"),
    "bridge.jobs.states",
}
"""Plain values that belong to the seams between folders; anything may import them, and they import no folder."""

OUTERMOST = {"bridge.app", "bridge.cli", "bridge.__main__", "bridge.doctor"}
"""These put everything together; nothing in a folder may import them."""

PROTOCOL_FOLDERS = {"soap", "wsscan", "dpws", "http", "discovery"}

XML_PARSERS = {
    *("fromstring", "fromstringlist", "parse", "parseid", "iterparse", "XML", "XMLID", "HTML", "XInclude", "DTD"),
    *("XMLParser", "XMLPullParser", "HTMLParser", "HTMLPullParser", "ETCompatXMLParser", "XMLSchema", "XSLT"),
}
"""Names of lxml.etree that read documents; building trees with the rest is free to all."""

XML_MODULES = ("xml", "lxml.html", "lxml.objectify", "lxml.sax", "bs4", "xmltodict", "defusedxml", "html5lib")

FORBIDDEN_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the bridge by its dotted name."""
    found = {}
    for path in sorted(BRIDGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


@cache
def imports(name: str) -> frozenset[str]:
    """What a module imports anywhere, in functions too, as dotted names; `from a import b` gives a and a.b."""
    found: set[str] = set()
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def bridge_imports(name: str) -> set[str]:
    """The modules of the bridge that the module `name` imports."""
    return {target for target in imports(name) if target in modules() and target != "bridge"}


def folder_of(name: str) -> str:
    """The folder that a module is in, empty for those at the top."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and (BRIDGE / parts[1]).is_dir() else ""


def users_of(package: str) -> set[str]:
    """The modules that import `package` or something in it."""
    return {
        name
        for name in modules()
        if any(target == package or target.startswith(f"{package}.") for target in imports(name))
    }


def reachable_from(*names: str) -> set[str]:
    """Every module that is imported when `names` are, directly or not."""
    seen: set[str] = set()
    waiting = [name for name in names if name in modules()]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += bridge_imports(name)
    return seen


def test_the_fence_sees_the_bridge() -> None:
    """The reader of imports finds what is certainly there."""
    assert {"bridge.soap.parser", "bridge.http.site", "bridge.errors"} <= modules().keys()
    assert "bridge.soap.parser" in bridge_imports("bridge.soap.envelope")
    assert {folder_of(name) for name in modules()} >= {"", "soap", "jobs", "scanner"}


def test_one_module_parses_xml() -> None:
    """Only soap/parser.py reads XML; no other module takes a parser from lxml or from anywhere else."""
    users = set()
    for name, tree in modules().items():
        taken = imports(name)
        if any(target.split(".")[0] == "xml" or target.startswith(XML_MODULES[1:]) for target in taken):
            users.add(name)
        if any(target.startswith("lxml.etree.") and target.rpartition(".")[2] in XML_PARSERS for target in taken):
            users.add(name)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in XML_PARSERS:
                owner = ast.unparse(node.value)
                if owner in ("etree", "lxml.etree", "ET", "ElementTree"):
                    users.add(name)
    assert users == {"bridge.soap.parser"}


def test_sane_stays_in_the_worker() -> None:
    """Modules that import sane are in scanner/, and nothing that the daemon imports leads to one of them."""
    users = users_of("sane") | users_of("_sane")
    assert users
    assert {folder_of(name) for name in users} == {"scanner"}
    daemon = reachable_from(*OUTERMOST)
    assert "bridge.soap.parser" in daemon
    assert users & daemon == set()


def test_one_module_knows_netifaces() -> None:
    """Only discovery/netif.py imports netifaces."""
    assert users_of("netifaces") == {"bridge.discovery.netif"}


@pytest.mark.parametrize("folder", ["jobs", "scanner", "imaging"])
def test_acquisition_knows_no_protocol(folder: str) -> None:
    """jobs, scanner and imaging import nothing of SOAP, the scan service, DPWS, HTTP or discovery, by any detour."""
    inside = [name for name in modules() if folder_of(name) == folder]
    assert inside
    reached = {name for name in reachable_from(*inside) if folder_of(name) in PROTOCOL_FOLDERS}
    assert reached == set()


def test_every_folder_has_its_place() -> None:
    """A new folder must be placed in the table before anything can be in it."""
    assert {folder_of(name) for name in modules()} - {""} == MAY_IMPORT.keys()


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_arrows_go_one_way(folder: str) -> None:
    """A folder imports only those that the table gives it, values of the seams, and modules at the top."""
    allowed = MAY_IMPORT[folder] | {folder, ""}
    wrong = {
        f"{name} imports {target}"
        for name in modules()
        if folder_of(name) == folder
        for target in bridge_imports(name)
        if (folder_of(target) not in allowed and target not in VALUES) or target in OUTERMOST
    }
    # `from bridge.scanner import model` names the folder's package too; that is empty.
    wrong = {line for line in wrong if not (BRIDGE / line.rpartition(".")[2]).is_dir()}
    assert wrong == set()


def test_the_table_has_no_circle() -> None:
    """No folder may import, by whatever detour, one that may import it."""

    def reach(folder: str, seen: set[str]) -> set[str]:
        for target in MAY_IMPORT[folder] - seen:
            seen.add(target)
            reach(target, seen)
        return seen

    assert {folder for folder in MAY_IMPORT if folder in reach(folder, set())} == set()


def test_values_import_no_folder() -> None:
    """The modules that anything may import lead nowhere but to each other and to errors."""
    for name in VALUES & modules().keys():
        assert {target for target in bridge_imports(name) if folder_of(target)} <= VALUES


def test_modules_are_short(record_property: Callable[[str, object], None]) -> None:
    """No module is longer than 400 lines; the median is reported."""
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in BRIDGE.rglob("*.py")
        if path.name != "__init__.py"
    }
    median = statistics.median(lengths.values())
    record_property("median module length", median)
    print(f"median module length: {median:g} lines, longest: {max(lengths.values())}")
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_no_module_is_a_drawer() -> None:
    """No module, function or class has a name that says nothing."""
    names = {part for name in modules() for part in name.split(".")}
    for tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name.strip("_").lower())
    assert names & FORBIDDEN_NAMES == set()


def test_public_things_have_docstrings() -> None:
    """Every public module, class, function and method says what it is."""
    missing = []
    for name, tree in modules().items():
        if ast.get_docstring(tree) is None:
            missing.append(name)
        missing += [f"{name}.{path}" for path in _undocumented(tree, "")]
    assert missing == []


def _undocumented(parent: ast.AST, prefix: str) -> Iterator[str]:
    """The public definitions directly in `parent`, or in its public classes, without a docstring."""
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None:
                yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from _undocumented(node, f"{prefix}{node.name}.")
