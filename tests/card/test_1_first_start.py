"""A card is flashed, the board is switched on, and a computer scans."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.card.board import READ, Board, make_key, sectors, settings
from tests.card.image import REPORT, ROOT, SECTOR, SETTINGS, Card
from tests.card.state import look_into_state
from tests.interop.namespaces import INTERFACE, Host
from tests.system.machine import UNIT

PROJECT = Path(__file__).parents[2]


def scanbridge(computer: Host, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run our own client on the computer."""
    own = folder / "client.toml"
    own.write_text(f'[network]\ninterfaces = ["{INTERFACE}"]\n[state]\ndirectory = "{folder}/state"\n')
    command = ("/usr/bin/python3", "-m", "bridge", "--config", str(own), *words)
    process = computer.start(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=PROJECT)
    out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def what_the_start_took(board: Board) -> str:
    """From the kernel's first moment to the bridge's Hello, and what waited for what (systemd-analyze(1)).

    With what was read from the card until now.
    """
    board.until(lambda: board.try_run("systemd-analyze", "time").returncode == 0)
    told = board.run("journalctl", "-b", f"--unit={UNIT}", "--output=short-monotonic", "--no-pager")
    (ready,) = (line for line in told.splitlines() if "ready http_port=" in line)
    chain = board.run("systemd-analyze", "critical-chain", "--no-pager", UNIT)
    read = f"{sectors(board, READ) * SECTOR / 1e6:.0f} MB read"
    return "\n".join((ready, board.run("systemd-analyze", "time"), chain, read))


def scans_at_once(card: Card, computer: Host, tmp_path: Path) -> None:
    """Without touching the card: the scanner is found by multicast, a page is scanned, the page for people answers."""
    root = card.digest(ROOT)
    with Board(card, computer, tmp_path) as board:
        status = board.wait_until_ready()

        found = json.loads(scanbridge(computer, tmp_path, "discover", "--json").stdout)
        scanned = scanbridge(computer, tmp_path, "scan", "-o", str(tmp_path / "page.jpg"), "--resolution", "75")
        front = board.get("/")

        assert [each["uuid"] for each in found] == [status["scanners"][0]["uuid"]]
        assert scanned.returncode == 0, scanned.stderr
        assert (tmp_path / "page.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
        assert front is not None
        assert b"scanbridge" in front.lower()

    assert card.digest(ROOT) == root, "something was written to the system"


def test_a_flashed_card_is_all_it_takes(card: Card, computer: Host, tmp_path: Path) -> None:
    """On the board that the image is for."""
    scans_at_once(card, computer, tmp_path)


def test_settings_count_and_a_report_is_left(card: Card, computer: Host, tmp_path: Path) -> None:
    """The file from a Windows editor gives name, scanner's name and a way in by ssh; the report says how it went."""
    key, public = make_key(tmp_path)
    settings(card, f'[board]\nhostname = "attic"\nssh_key = "{public}"\n[scanner]\nname = "Old faithful"\n')
    with Board(card, computer, tmp_path, key) as board:
        status = board.wait_until_ready()
        assert status["scanners"][0]["name"] == "Old faithful"
        assert board.run("hostname").strip() == "attic"
        assert board.run("systemctl", "--failed", "--plain", "--no-legend") == ""
        # Nothing waits for a WLAN that nobody has named.
        assert board.try_run("systemctl", "is-active", "iwd").stdout.strip() == "inactive"
        assert board.run("findmnt", "--noheadings", "--output=FSTYPE", "/").strip() == "overlay"
        assert "elements = { 8018 }" in board.run("nft", "list", "ruleset")
        assert "Global: yes" in board.run("resolvectl", "mdns")
        board.until(lambda: "http://10.99.0.1:8018/" in card.read(REPORT))
        print(what_the_start_took(board))

    report = card.read(REPORT)
    assert "Old faithful: Idle" in report
    assert "good, and in effect" in report


def test_a_mistake_is_reported_and_stops_nothing(card: Card, computer: Host, tmp_path: Path) -> None:
    """A wrong line: the board comes up as before, and the card says what is wrong."""
    key, public = make_key(tmp_path)
    wlan = 'wlan_ssid = "Home"\nwlan_psk = "correct horse"\nwlan_country = "DE"\n'
    settings(card, f'[board]\nssh_key = "{public}"\n{wlan}[scanner]\nname = "Kept"\n')
    with Board(card, computer, tmp_path, key) as board:
        before = board.wait_until_ready()
        assert board.run("systemctl", "is-active", "iwd").strip() == "active"
        assert "correct horse" in board.run("cat", "/var/lib/iwd/Home.psk")
    settings(card, '[scanner]\nname = "Lost"\n[network]\nhttp_prot = 80\n')

    with Board(card, computer, tmp_path) as board:
        after = board.wait_until_ready()
        board.wait_for(lambda _status: "http_prot" in card.read(REPORT))

    assert (before["scanners"][0]["name"], after["scanners"][0]["name"]) == ("Kept", "Kept")
    assert f"{SETTINGS}: network.http_prot: there is no such setting; expected http_port" in card.read(REPORT)


def test_the_identity_outlives_the_power(card: Card, computer: Host, tmp_path: Path) -> None:
    """After a start the machine's id, the scanner's UUID and its address are the same, and the state is in order."""
    with Board(card, computer, tmp_path) as board:
        first = board.wait_until_ready()
    with Board(card, computer, tmp_path) as board:
        second = board.wait_until_ready()

    assert [each["uuid"] for each in second["scanners"]] == [each["uuid"] for each in first["scanners"]]
    look_into_state(card, tmp_path, "after two starts")
