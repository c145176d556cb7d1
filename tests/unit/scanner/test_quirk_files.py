"""Quirks files: what they may say, whom it is for, which counts more, and that a bad one harms nobody."""

from __future__ import annotations

import os
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.scanner.model import Device
from bridge.scanner.quirk_files import (
    ADMIN,
    EVIDENCE,
    MATCHING,
    MAX_FILES,
    MAX_PROBLEMS,
    PACKAGED,
    QUIRKS,
    load,
    matches,
    quirk_directories,
)
from bridge.scanner.quirks import (
    EMPTY_WORDS,
    NO_QUIRKS,
    ButtonMeaning,
    Offset,
    OptionValue,
    Quirks,
    SourceQuirk,
)

DEVICE = Device("canon:libusb:001:004", "Canon", "LiDE 210", "flatbed scanner", usb_id="04a9:190a")


def known(tmp_path: Path, *files: str, own: str | None = None):
    """What packaged files, and one of the administrator's, say."""
    packaged, admin = tmp_path / "packaged", tmp_path / "admin"
    packaged.mkdir()
    for number, text in enumerate(files):
        (packaged / f"{number:02}.toml").write_text(text, encoding="utf-8")
    if own is not None:
        admin.mkdir()
        (admin / "own.toml").write_text(own, encoding="utf-8")
    return load([packaged, admin])


def entry(match: str, quirk: str) -> str:
    return f"[[scanner]]\n{match}\n{quirk}\n"


BY_ID, BY_NAME, BY_STAR = 'usb = ["04A9:190A"]', 'model = ["canon lide 210"]', 'model = ["Canon*"]'

EVERYTHING = """
[[scanner]]
usb = ["04a9:190a"]
model = ["Canon LiDE 210", "Canon LiDE 2*"]
evidence = "tried"
platen = {}
adf = { source = "Tray", sides = 1, slow = true, speed = 0.5 }
adf_duplex = false
page_sensor = false
empty_means = ["jammed", "io-error"]
platen_offset_mm = [1.5, -2]
feeder_offset_mm = [0, 3]
gamma = 1.4
white_level = 235
backs_turned = true
backs_last = true
survives_cancel = false
start_timeout_s = 180
buttons = { button-1 = "scan", "button 2" = "none" }
"""


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    """Every key reaches the field that is named like it."""
    found = known(tmp_path, EVERYTHING)
    assert found.problems == ()
    settings_ = tuple(OptionValue(*pair) for pair in (("source", "Tray"), ("sides", 1), ("slow", True), ("speed", 0.5)))
    quirks, sources = found.of(DEVICE)
    assert quirks == Quirks(
        platen=SourceQuirk(),
        adf=SourceQuirk(settings_),
        adf_duplex=SourceQuirk(there=False),
        page_sensor=False,
        empty_means=("jammed", "io-error"),
        platen_offset_mm=Offset(1.5, -2.0),
        feeder_offset_mm=Offset(0.0, 3.0),
        gamma=1.4,
        white_level=235,
        backs_turned=True,
        backs_last=True,
        survives_cancel=False,
        start_timeout_s=180,
        buttons=(ButtonMeaning("button-1", "scan"), ButtonMeaning("button 2", "none")),
    )
    assert sources == (f"{tmp_path}/packaged/00.toml: scanner 1",)
    assert {one.key for one in QUIRKS} == {field.name for field in fields(Quirks)}
    said = tomllib.loads(EVERYTHING)["scanner"][0].keys()
    assert said == {one.key for one in (*MATCHING, EVIDENCE, *QUIRKS)}


def test_every_example_of_the_manual_is_good(tmp_path: Path) -> None:
    """What the manual shows of each key can be written so."""
    lines = [f"{one.key} = {one.example}" for one in (*MATCHING, EVIDENCE, *QUIRKS)]
    assert known(tmp_path, "[[scanner]]\n" + "\n".join(lines)).problems == ()


def test_what_is_packaged_is_good_and_has_its_evidence() -> None:
    """No packaged entry is left out, each says how it is known and matches by USB id, and nobody else is touched."""
    found = load([PACKAGED])
    assert found.problems == ()
    assert len(found.entries) >= 3
    assert all(one.evidence and one.usb and one.values for one in found.entries)
    assert found.of(DEVICE) == (NO_QUIRKS, ())
    turned, _ = found.of(Device("hp5590:libusb:001:002", "HP", "5590", "Workgroup scanner", usb_id="03f0:1705"))
    assert turned == Quirks(backs_turned=True)


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [(BY_STAR, BY_NAME), (BY_STAR, BY_ID), (BY_NAME, BY_ID), (BY_ID, BY_ID), (BY_STAR, BY_STAR)],
)
def test_precedence_among_equals(tmp_path: Path, weaker: str, stronger: str) -> None:
    """A USB id counts more than a name, a name more than one with stars, and among equals the later counts."""
    light, dark = entry(weaker, "gamma = 2.0\nwhite_level = 200"), entry(stronger, "gamma = 0.5")
    found = known(tmp_path, light, dark)
    assert found.of(DEVICE)[0] == Quirks(gamma=0.5, white_level=200)
    if weaker != stronger:
        (tmp_path / "other").mkdir()
        assert known(tmp_path / "other", dark, light).of(DEVICE)[0].gamma == 0.5


@pytest.mark.parametrize("match", [BY_STAR, BY_NAME, BY_ID])
def test_the_administrator_counts_more(tmp_path: Path, match: str) -> None:
    """However the administrator's entry matches, it lies over packaged ones key by key."""
    found = known(tmp_path, entry(BY_ID, "gamma = 2.0\nwhite_level = 200"), own=entry(match, "gamma = 1.0"))
    quirks, sources = found.of(DEVICE)
    assert quirks == Quirks(gamma=1.0, white_level=200)
    assert [source.rpartition("/")[2] for source in sources] == ["00.toml: scanner 1", "own.toml: scanner 1"]


@pytest.mark.parametrize(
    ("match", "meant"),
    [
        (BY_ID, True),
        (BY_NAME, True),
        (BY_STAR, True),
        ('usb = ["04a9:190b"]', False),
        ('usb = ["1234:5678", "04a9:190a"]', True),
        ('model = ["Canon LiDE 21"]', False),
        ('model = ["LiDE 210"]', False),
        ('model = ["*lide*"]', True),
        ('model = ["C*e*0"]', True),
        ('model = ["Canon LiDE 210 *"]', False),
        ('usb = ["1234:5678"]\nmodel = ["Canon LiDE 210"]', True),
    ],
)
def test_whom_an_entry_is_for(tmp_path: Path, match: str, meant: bool) -> None:
    """One of the USB ids or one of the models is enough; models are compared whole, and without regard to case."""
    assert (known(tmp_path, entry(match, "gamma = 2.0")).of(DEVICE)[0] != NO_QUIRKS) is meant


def test_a_scanner_without_a_usb_id_is_known_by_its_name(tmp_path: Path) -> None:
    """Some drivers do not tell where on the bus a scanner is."""
    device = Device("brother4:bus1;dev2", "Brother", "ADS-1600W")
    assert known(tmp_path, entry('model = ["brother ads-1600w"]', "gamma = 2.0")).of(device)[0].gamma == 2.0


@settings(deadline=None)
@given(st.lists(st.sampled_from("ab*"), max_size=8).map("".join), st.text("ab", max_size=8))
def test_stars_stand_for_anything(pattern: str, text: str) -> None:
    """The comparison agrees with the plain definition of it."""

    def plain(rest: str, left: str) -> bool:
        if not rest:
            return not left
        if rest[0] == "*":
            return plain(rest[1:], left) or (bool(left) and plain(rest, left[1:]))
        return left[:1] == rest[0] and plain(rest[1:], left[1:])

    assert matches(pattern, text) is plain(pattern, text)


def test_a_hostile_pattern_takes_no_time() -> None:
    """Many stars are looked for once each."""
    assert not matches("*a" * 60 + "b", "a" * 10_000)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("gama = 2.0", "gama: there is no such key; expected gamma"),
        ('gamma = "2"', 'gamma = "2": expected a number from 0.2 to 5'),
        ("gamma = true", "gamma = true: expected a number"),
        ("gamma = nan", "gamma = nan: expected a number"),
        ("gamma = 0", "gamma = 0: expected a number"),
        ("white_level = 235.0", "white_level = 235.0: expected a whole number from 128 to 255"),
        ("white_level = 0", "expected a whole number"),
        ("backs_turned = 1", "backs_turned = 1: expected true or false"),
        ("start_timeout_s = 0", "expected a whole number of seconds from 1 to 3600"),
        ("start_timeout_s = 99999999999999999999999", "expected a whole number of seconds"),
        ('empty_means = "jammed"', "empty_means = "),
        ('empty_means = ["no-documents"]', "expected a list of some of"),
        ("empty_means = []", "expected a list of some of"),
        ("platen_offset_mm = [1]", "expected two numbers of millimetres from -50 to 50"),
        ("platen_offset_mm = [1, 51]", "expected two numbers"),
        ("platen_offset_mm = [inf, 0]", "expected two numbers"),
        ("platen_offset_mm = [true, 0]", "expected two numbers"),
        ("platen_offset_mm = 3", "expected two numbers"),
        ("platen = true", "platen = true: expected false, or the driver's options"),
        ('platen = "Flatbed"', "platen = "),
        ("platen = { source = [1] }", "expected false, or"),
        ("platen = { source = {} }", "expected false, or"),
        ('platen = { "" = 1 }', "expected false, or"),
        ('platen = { "a\\u0007" = 1 }', "expected false, or"),
        (f'platen = {{ source = "{"x" * 200}" }}', "expected false, or"),
        (f"platen = {{ {', '.join(f'o{n} = 1' for n in range(9))} }}", "expected false, or"),
        ("platen = { source = 1e400 }", "expected false, or"),
        ("platen = { source = 2024-01-01 }", "expected false, or"),
        ('buttons = { scan = "coffee" }', "expected at most 32 buttons"),
        ("buttons = { scan = 1 }", "expected at most 32 buttons"),
        ('buttons = ["scan"]', "expected at most 32 buttons"),
        ("evidence = 1", "expected a text in quotes"),
        ('usb = "04a9:190a"', "usb = "),
        ('usb = ["4a9:190a"]', "expected a list of USB ids"),
        ('model = ["*"]', "expected a list of models"),
        ('model = [""]', "expected a list of models"),
        ("model = []", "expected a list of models"),
    ],
)
def test_a_mistake_is_told_and_its_entry_left_out(tmp_path: Path, line: str, told: str) -> None:
    """File, entry, key and what was expected are named; the other entries of the file count."""
    match = "" if line.startswith(("usb", "model")) else BY_ID
    found = known(tmp_path, entry(BY_ID, "white_level = 200"), entry(match, line) + entry(BY_NAME, "gamma = 2.0"))
    assert len(found.problems) == (1 if match or "usb" in line or "model" in line else 2)
    assert found.problems[0].startswith(f"{tmp_path}/packaged/01.toml: scanner 1: ")
    assert told in found.problems[0]
    assert found.problems[0].isprintable()
    assert found.of(DEVICE)[0] == Quirks(white_level=200, gamma=2.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[scanner]\nusb = ['04a9:190a']\n", "scanner: expected nothing but entries that begin with [[scanner]]"),
        ("scanner = [1]\n", "scanner: expected nothing but entries"),
        ("gamma = 2.0\n", "gamma: expected nothing but entries"),
        ("[[scanner]]\ngamma = 2.0\n", "scanner 1: it says of no scanner what it is for: expected usb or model"),
        ("[[scanner]\n", "line 1"),
        ("a = " + "[" * 5000, "nested too deep"),
        ("x = '" + "x" * 70000 + "'", "larger than 65536 bytes"),
        ("x = " + "9" * 5000, "00.toml: "),
    ],
)
def test_a_file_that_makes_no_sense(tmp_path: Path, text: str, told: str) -> None:
    """It counts as empty, the reason is told, and what the administrator says counts all the same."""
    found = known(tmp_path, text, own=entry(BY_ID, "gamma = 2.0"))
    assert found.problems
    assert told in found.problems[0]
    assert found.of(DEVICE)[0] == Quirks(gamma=2.0)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """Neither zero bytes nor another encoding stop anybody; a file of a Windows editor is fine."""
    (tmp_path / "0.toml").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "1.toml").write_bytes(b"\0\0\0")
    (tmp_path / "2.toml").write_bytes(b"\xef\xbb\xbf" + entry(BY_ID, "gamma = 2.0").replace("\n", "\r\n").encode())
    found = load([tmp_path])
    assert len(found.problems) == 2
    assert found.of(DEVICE)[0].gamma == 2.0


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe would hold up the daemon for ever; folders, dangling links and other names are passed over."""
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "dangling.toml").symlink_to(tmp_path / "nothing")
    (tmp_path / "notes.txt").write_text("no TOML [")
    (tmp_path / "old.toml~").write_text("no TOML [")
    assert load([tmp_path]) == load([tmp_path / "missing"]) == load([])


def test_too_much_is_cut(tmp_path: Path) -> None:
    """Of many files the first are read, and of many mistakes the first are told."""
    for number in range(MAX_FILES + 5):
        (tmp_path / f"{number:03}.toml").write_text("[[scanner]]\n" * 2)
    found = load([tmp_path])
    assert found.problems[0] == f"{tmp_path}: {MAX_FILES + 5} files; only the first {MAX_FILES} are read"
    assert len(found.problems) == MAX_PROBLEMS + 1
    assert found.problems[-1].endswith("more mistakes")


JUNK = st.recursive(
    st.booleans() | st.integers(-(2**40), 2**40) | st.text("ab\"\\ü\t", max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@settings(deadline=None, max_examples=60)
@given(key=st.sampled_from([one.key for one in (*MATCHING, EVIDENCE, *QUIRKS)]), value=JUNK)
def test_whatever_stands_there_it_is_quirks_or_a_mistake(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    """No value of any type gets past the check without being good, and none raises."""
    import json

    folder = tmp_path_factory.mktemp("junk")
    text = json.dumps(value)
    match = BY_ID if key != "usb" else BY_NAME
    (folder / "junk.toml").write_text(entry(match, f"{key} = {text}"), encoding="utf-8")
    found = load([folder])
    assert len(found.entries) + len(found.problems) == 1
    found.of(DEVICE)


def test_where_the_files_lie() -> None:
    """Packaged files come first; the administrator's are in /etc, or where the settings say."""
    assert quirk_directories() == (PACKAGED, ADMIN)
    assert str(ADMIN) == "/etc/scanbridge/quirks.d"
    assert quirk_directories("/srv/quirks") == (PACKAGED, Path("/srv/quirks"))


def test_the_words_of_an_empty_feeder_are_statuses() -> None:
    """Each is one that a worker can report."""
    from bridge.scanner.protocol import Status

    assert {Status(word).value for word in EMPTY_WORDS} == set(EMPTY_WORDS)
