"""What becomes of the settings in the system, in a root of our own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.board import wlan
from bridge.board.apply import BOOT_FILE, CARD_FILE, FIREWALL_FILE, PANEL_FILE, RESULT_FILE, apply, default_hostname
from bridge.board.card import FIRMWARE_SETTINGS
from bridge.board.panel import Wanted
from bridge.board.settings import Board

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAA me"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty system with a card and the serial number of a board."""
    (tmp_path / CARD_FILE).parent.mkdir(parents=True)
    (tmp_path / CARD_FILE).with_name(FIRMWARE_SETTINGS).touch()
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/serial-number").write_bytes(b"10000000abcd1234\0")
    return tmp_path


class Runner:
    """Writes down what would be run."""

    def __init__(self) -> None:
        self.ran: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str]) -> None:
        self.ran.append(command)


def test_without_a_file_the_board_has_a_name_of_its_own(root: Path) -> None:
    """Two boards with the same image are told apart, and nothing is open."""
    run = Runner()

    applied = apply(root, run)

    assert applied.hostname == "scanbridge-1234"
    assert applied.problems == ()
    assert (root / "etc/hostname").read_text() == "scanbridge-1234\n"
    assert run.ran == [["hostname", "scanbridge-1234"]]
    assert not (root / "root/.ssh").exists()
    assert not (root / "var/lib/iwd").exists()
    assert (root / BOOT_FILE).exists()


def test_everything_that_the_card_names_is_set(root: Path) -> None:
    """Name, WLAN, ssh and the daemon's settings, secrets for root alone."""
    run = Runner()
    (root / CARD_FILE).write_text(
        f'[board]\nhostname = "attic"\nwlan_ssid = "Home"\nwlan_psk = "correct horse"\nwlan_country = "DE"\n'
        f'ssh_key = "{KEY}"\n[scanner]\nlocation = "Attic"\n'
    )

    applied = apply(root, run)

    assert applied.problems == ()
    assert "127.0.1.1 attic\n" in (root / "etc/hosts").read_text()
    assert (root / "var/lib/iwd/Home.psk").read_text() == "[Security]\nPassphrase=correct horse\n"
    assert (root / "var/lib/iwd/Home.psk").stat().st_mode & 0o777 == 0o600
    assert "PowerSaveDisable=brcmfmac\n" in (root / "etc/iwd/main.conf").read_text()
    assert "Country=DE\n" in (root / "etc/iwd/main.conf").read_text()
    assert (root / "root/.ssh/authorized_keys").read_text() == KEY + "\n"
    assert (root / "root/.ssh").stat().st_mode & 0o777 == 0o700
    assert 'location = "Attic"' in (root / BOOT_FILE).read_text()
    assert ["systemctl", "--no-block", "start", "ssh.service"] in run.ran
    assert json.loads((root / RESULT_FILE).read_text()) == {"hostname": "attic", "problems": []}
    assert "correct horse" not in (root / RESULT_FILE).read_text()


def test_the_firewall_lets_in_the_port_that_the_card_names(root: Path) -> None:
    """Besides the usual one, which nobody serves then; without a port it is as it was flashed."""
    apply(root, Runner())
    assert not (root / FIREWALL_FILE).exists()
    (root / CARD_FILE).write_text("[network]\nhttp_port = 8080\n")

    apply(root, Runner())

    assert (root / FIREWALL_FILE).read_text() == "add element inet card served { 8080 }\n"


def test_a_wrong_file_is_told_and_the_board_comes_up(root: Path) -> None:
    """The mistake is in the result for the report; name and the daemon's file are there."""
    (root / CARD_FILE).write_text("[board]\nhostname = 7\n")

    applied = apply(root, Runner())

    assert applied.hostname == "scanbridge-1234"
    assert len(applied.problems) == 1
    assert json.loads((root / RESULT_FILE).read_text())["problems"] == list(applied.problems)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None),
        ('led = "ACT"', Wanted("ACT", -1)),
        ("button_gpio = 17", Wanted("", 17)),
        ('led = "ACT"\nbutton_gpio = 3', Wanted("ACT", 3)),
    ],
)
def test_light_and_button_are_off_unless_they_are_named(root: Path, text: str, wanted: Wanted | None) -> None:
    """Without either there is no file, and so no program that looks after them."""
    (root / CARD_FILE).write_text(f"[board]\n{text}\n")

    apply(root, Runner())

    assert (Wanted.read(root / PANEL_FILE) if (root / PANEL_FILE).exists() else None) == wanted


def test_a_mistake_makes_the_light_ask_for_attention(root: Path) -> None:
    """The light of the last good settings shows that the new ones are wrong."""
    (root / CARD_FILE).write_text('[board]\nled = "ACT"\n')
    apply(root, Runner())
    (root / CARD_FILE).write_text('[board]\nled = "ACT"\nhostname = 7\n')

    apply(root, Runner())

    assert Wanted.read(root / PANEL_FILE) == Wanted("ACT", -1, troubled=True)


def test_a_step_that_fails_does_not_keep_the_others_from_being_done(root: Path) -> None:
    """The network must come up, whatever is broken."""
    (root / CARD_FILE).write_text(f'[board]\nssh_key = "{KEY}"\n')

    def broken(command: Sequence[str]) -> None:
        raise OSError(f"no {command[0]} here")

    applied = apply(root, broken)

    assert [problem.split(" could ")[0] for problem in applied.problems] == ["the name", "ssh"]
    assert (root / "root/.ssh/authorized_keys").exists()


@pytest.mark.parametrize(
    ("serial", "machine_id", "name"),
    [
        (b"10000000ABCDEF01\0", "", "scanbridge-ef01"),
        (b"", "0123456789abcdef0123456789abcdee\n", "scanbridge-cdee"),
        (b"0000000000000000\0", "", "scanbridge"),
        (b"", "", "scanbridge"),
    ],
)
def test_the_name_comes_from_what_tells_the_board_apart(
    tmp_path: Path, serial: bytes, machine_id: str, name: str
) -> None:
    """The serial number first, then the machine's id; without either there is nothing to add."""
    for path, data in (("proc/device-tree/serial-number", serial), ("etc/machine-id", machine_id.encode())):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)

    assert default_hostname(tmp_path) == name


@pytest.mark.parametrize(
    ("board", "name", "content"),
    [
        (Board(wlan_ssid="My Net_1-2", wlan_psk="12345678"), "My Net_1-2.psk", "[Security]\nPassphrase=12345678\n"),
        (Board(wlan_ssid="Café", wlan_psk="a" * 64), "=436166c3a9.psk", f"[Security]\nPreSharedKey={'a' * 64}\n"),
        (Board(wlan_ssid="open"), "open.open", ""),
        (Board(wlan_ssid="open", wlan_hidden=True), "open.open", "[Settings]\nHidden=true\n"),
        (
            Board(wlan_ssid="y", wlan_psk="12345678", wlan_hidden=True),
            "y.psk",
            "[Security]\nPassphrase=12345678\n[Settings]\nHidden=true\n",
        ),
        (Board(wlan_ssid="x", wlan_psk="  back\\slash"), "x.psk", "[Security]\nPassphrase=\\s\\sback\\\\slash\n"),
    ],
)
def test_the_wlan_as_iwd_wants_it(board: Board, name: str, content: str) -> None:
    """Names that no file can have are in hexadecimal digits; keys and passwords go into different fields."""
    assert wlan.network_file(board) == (name, content)
