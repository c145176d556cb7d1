"""The settings file on the card: what is taken, what a mistake leaves in effect, and what the daemon gets to read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import config
from bridge.board.card import FIRMWARE_SETTINGS, Card, boot_settings, choose, read_card
from bridge.board.settings import Board
from bridge.errors import ConfigError

TEMPLATE = Path(__file__).parents[3] / "hw/files/usr/lib/scanbridge-board/scanbridge.toml"

GOOD = """[board]
hostname = "attic"
wlan_ssid = "Home"
wlan_psk = "correct horse"
wlan_country = "DE"
[network]
interfaces = ["eth0"]
[scanner]
name = "Scanner \\"in\\" the attic"
buttons = true
button_poll_hz = 1.5
"""


def card(folder: Path, text: str) -> Path:
    """A card's file with `text`, beside the firmware's."""
    (folder / FIRMWARE_SETTINGS).touch()
    path = folder / "scanbridge.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    """The board's part is typed, the bridge's part is kept by section and key."""
    read = read_card(card(tmp_path, GOOD))

    assert read.board == Board(hostname="attic", wlan_ssid="Home", wlan_psk="correct horse", wlan_country="DE")
    assert read.bridge["scanner"] == {"name": 'Scanner "in" the attic', "buttons": True, "button_poll_hz": 1.5}


def test_the_daemon_reads_what_the_card_says(tmp_path: Path) -> None:
    """What is written for the daemon means the same to it as the card does, and has nothing of the board's."""
    path = card(tmp_path, GOOD)
    boot = tmp_path / "boot.toml"
    boot.write_text(boot_settings(read_card(path)), encoding="utf-8")

    told, meant = config.load([boot]), config.load([path])

    assert (told.network, told.scanner) == (meant.network, meant.scanner)
    assert "[board]" not in boot.read_text()
    assert "correct horse" not in boot.read_text()


@given(st.text(max_size=60).filter(str.isprintable))
def test_any_name_reaches_the_daemon_as_it_was(name: str) -> None:
    """Quotes, backslashes and letters of all languages come through the second file unchanged."""
    assert tomllib.loads(boot_settings(Card(bridge={"scanner": {"name": name}})))["scanner"]["name"] == name


def test_no_file_is_no_mistake(tmp_path: Path) -> None:
    """Without a file everything has its default, and nothing is told."""
    card(tmp_path, "")
    chosen = choose(tmp_path / "none.toml", tmp_path / "kept.toml")

    assert chosen.card == Card()
    assert chosen.problems == ()


def test_a_card_that_cannot_be_read_is_no_wish(tmp_path: Path) -> None:
    """Else one bad start would take the board off its WLAN for good."""
    kept = tmp_path / "kept.toml"
    good = choose(card(tmp_path, GOOD), kept).card
    data = kept.read_bytes()

    chosen = choose(tmp_path / "not mounted" / "scanbridge.toml", kept)

    assert chosen.card == good
    assert "this part of the card cannot be read" in chosen.problems[0]
    assert kept.read_bytes() == data


def test_a_mistake_leaves_the_last_good_file_in_effect(tmp_path: Path) -> None:
    """One wrong line changes nothing, and is told with file, key and what was expected."""
    kept = tmp_path / "kept.toml"
    good = choose(card(tmp_path, GOOD), kept).card

    chosen = choose(card(tmp_path, GOOD.replace("buttons = true", 'buttons = "yes"')), kept)

    assert chosen.card == good
    assert chosen.problems == (
        f'{tmp_path}/scanbridge.toml: scanner.buttons = "yes": expected true or false',
    )


def test_a_first_file_with_a_mistake_leaves_the_defaults(tmp_path: Path) -> None:
    """Where there never was a good file, there are the defaults."""
    chosen = choose(card(tmp_path, "[board]\nhostname = 'a b'\n"), tmp_path / "kept.toml")

    assert chosen.card == Card()
    assert len(chosen.problems) == 1


def test_the_kept_file_is_written_only_when_it_changes(tmp_path: Path) -> None:
    """It lies on the card, which wears out."""
    kept = tmp_path / "kept.toml"
    choose(card(tmp_path, GOOD), kept)
    before = kept.stat()

    choose(card(tmp_path, GOOD), kept)

    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_that_is_taken_away_is_a_wish_too(tmp_path: Path) -> None:
    """Who deletes the file gets the defaults, not yesterday's settings."""
    kept = tmp_path / "kept.toml"
    path = card(tmp_path, GOOD)
    choose(path, kept)
    path.unlink()

    assert choose(path, kept).card == Card()


def test_what_cannot_be_kept_is_in_effect_all_the_same(tmp_path: Path) -> None:
    """A full or broken place for state is told; the settings of this start stand."""
    chosen = choose(card(tmp_path, GOOD), tmp_path / "missing" / "kept.toml")

    assert chosen.card.board.hostname == "attic"
    assert "cannot be kept" in chosen.problems[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('hostname = "-a"', "board.hostname"),
        ('hostname = "a.b"', "board.hostname"),
        (f'hostname = "{"a" * 64}"', "board.hostname"),
        (f'wlan_ssid = "{"ä" * 17}"', "board.wlan_ssid"),
        ('wlan_ssid = "x"\nwlan_country = "DE"\nwlan_psk = "short"', "board.wlan_psk"),
        ('wlan_ssid = "x"\nwlan_country = "de"', "board.wlan_country"),
        ('wlan_ssid = "x"', "board.wlan_country beside it"),
        ('wlan_psk = "correct horse"', "board.wlan_ssid beside it"),
        ('ssh_key = "command=\\"rm\\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAA"', "board.ssh_key"),
        ('ssh_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA\\nssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA"', "board.ssh_key"),
        ("ssh_key = 1", "board.ssh_key"),
        ('colour = "red"', "board.colour"),
        ('led = "../ACT"', "board.led"),
        ("led = true", "board.led"),
        ("button_gpio = 1", "board.button_gpio"),
        ("button_gpio = 28", "board.button_gpio"),
        ("button_gpio = true", "board.button_gpio"),
        ('button_gpio = "17"', "board.button_gpio"),
    ],
)
def test_what_the_board_refuses(tmp_path: Path, text: str, told: str) -> None:
    """Each wrong setting of the board is named."""
    with pytest.raises(ConfigError) as caught:
        read_card(card(tmp_path, f"[board]\n{text}\n"))

    assert told in str(caught.value)


def test_contradictions_of_the_bridge_count_on_the_card_too(tmp_path: Path) -> None:
    """What the daemon would refuse at its start is refused here: it would not start."""
    with pytest.raises(ConfigError, match="retrieve_timeout_s"):
        read_card(card(tmp_path, "[jobs]\nretrieve_timeout_s = 5\n"))


def test_a_port_that_the_firewall_cannot_know_is_refused(tmp_path: Path) -> None:
    """Any free one would be one behind a closed door."""
    with pytest.raises(ConfigError, match=r"network\.http_port: expected a number"):
        read_card(card(tmp_path, "[network]\nhttp_port = 0\n"))


def test_the_template_is_good_as_it_is_and_with_each_line_switched_on(tmp_path: Path) -> None:
    """The file that people get is right, and so is every example in it."""
    text = TEMPLATE.read_text()
    assert read_card(TEMPLATE).board == Board()
    examples = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE)
    real_key = 'ssh_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAA me@my-computer"'
    path = card(tmp_path, re.sub(r"ssh_key = .*", real_key, examples))

    board = read_card(path).board

    assert board.wlan_ssid == "Home"
    assert {line.split(" ")[0] for line in examples.splitlines() if " = " in line and line[0] != "#"} >= set(
        Board.__dataclass_fields__
    )
