"""A card's system is updated in its other slot: what works takes effect, what does not is taken back by itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bridge.board.trial import READY_WITHIN_S
from tests.card.board import BOOT_S, Board, make_key, settings
from tests.card.image import REPORT, STATE, Card
from tests.card.package import archive, newer_package
from tests.interop.namespaces import Host

PACKAGE = "/run/newer.deb"
NAME = "Old faithful"


def update(board: Board, package: Path) -> str:
    """Update the board with `package`, and restart it; what the update said."""
    board.send(package, PACKAGE)
    return change(board, PACKAGE)


def change(board: Board, words: str) -> str:
    """Let scanbridge-update do what `words` say, and restart the board; what it said."""
    told = board.run("sh", "-c", f"scanbridge-update --no-restart {words} 2>&1")
    board.try_run("systemctl", "reboot")
    return told


def serve_archive(board: Board, folder: Path, package: Path) -> None:
    """Let the computer at the board's cable be its archive, with this one package in it."""
    archive(folder, package)
    port = str(8000 + board.starts)
    board.client.start(
        *("/usr/bin/python3", "-m", "http.server", "--bind", board.client.ipv4, port, "--directory", str(folder)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    board.run("rm", "/etc/apt/sources.list.d/debian.sources")
    board.write("/etc/apt/sources.list", f"deb [trusted=yes] http://{board.client.ipv4}:{port}/ ./\n")


def is_settled(board: Board) -> bool:
    """Whether no trial goes on any more."""
    return board.try_run("test", "-e", "/state/update/trial").returncode == 1


def test_the_second_start_without_a_word_goes_back(card: Card, computer: Host, tmp_path: Path) -> None:
    """The marks are made from outside: a system that works ends its trial; one that was begun before never starts."""
    card.put(STATE, "update", {"trial": "a\n"})
    with Board(card, computer, tmp_path) as board:
        board.wait_until_ready()
        board.wait_for(lambda _status: "the new system works (slot a)" in card.read(REPORT))
    assert card.slot() == "a"

    card.put(STATE, "update", {"trial": "a\n", "begun": ""})
    with Board(card, computer, tmp_path) as board:
        board.until_off()

    assert card.slot() == "b"


def test_two_updates_take_effect_and_everything_else_stays(card: Card, computer: Host, tmp_path: Path) -> None:
    """Into slot b from a file, into slot a from an archive as it is done once a day, and back to the one before."""
    key, public = make_key(tmp_path)
    settings(
        card,
        f'[board]\nhostname = "attic"\nauto_update = true\nssh_key = "{public}"\n[scanner]\nname = "{NAME}"\n',
    )
    with Board(card, computer, tmp_path, key) as board:
        uuid = board.wait_until_ready()["scanners"][0]["uuid"]
        identity = board.run("cat", "/etc/machine-id", "/state/ssh/ssh_host_ed25519_key.pub")
        assert board.run("systemctl", "is-active", "scanbridge-update.timer").strip() == "active"

        def is_the_same_with(slot: str, version: str) -> None:
            status = board.wait_for(lambda status: status["ready"] and status["version"] == version)
            board.until(lambda: is_settled(board))
            assert card.slot() == slot
            assert f"scanbridge.slot={slot} " in board.run("cat", "/proc/cmdline")
            assert (status["scanners"][0]["uuid"], status["scanners"][0]["name"]) == (uuid, NAME)
            assert board.run("cat", "/etc/machine-id", "/state/ssh/ssh_host_ed25519_key.pub") == identity
            assert board.run("hostname").strip() == "attic"
            assert board.version() == version
            assert board.run("systemctl", "--failed", "--plain", "--no-legend") == ""
            board.until(lambda: f"the new system works (slot {slot})" in card.read(REPORT))

        assert "slot b is started next, on trial" in update(board, newer_package(tmp_path, "90.1"))
        is_the_same_with("b", "90.1")

        package = newer_package(tmp_path, "90.2")
        serve_archive(board, tmp_path / "archive", package)
        # What the timer starts, which restarts the board by itself.
        board.run("systemctl", "start", "--no-block", "scanbridge-update.service")
        is_the_same_with("a", "90.2")
        serve_archive(board, tmp_path / "same", package)
        assert "everything is up to date" in board.run("sh", "-c", "scanbridge-update 2>&1")

        assert "slot b is started next, on trial" in change(board, "--back")
        is_the_same_with("b", "90.1")
        assert board.starts == 4


def test_an_update_that_does_not_work_is_taken_back(card: Card, computer: Host, tmp_path: Path) -> None:
    """Once because its service does not come up, once because the plug is pulled before it could show that it works."""
    key, public = make_key(tmp_path)
    settings(card, f'[board]\nssh_key = "{public}"\n')
    with Board(card, computer, tmp_path, key) as board:
        before = board.wait_until_ready()

        update(board, newer_package(tmp_path, "90.1", broken=True))
        # Two starts, and the time in between that the bridge has to get ready.
        board.wait_for(lambda status: board.starts == 3 and status["ready"], READY_WITHIN_S + 2 * BOOT_S)
        board.until(lambda: is_settled(board))

        assert card.slot() == "a"
        board.until(lambda: "the new system did not get ready" in card.read(REPORT))

        update(board, newer_package(tmp_path, "90.2"))
        board.until_told(4, "Reached target")
        assert card.slot() == "b"
        board.pull_the_plug()

    with Board(card, computer, tmp_path, key) as board:
        after = board.wait_until_ready()
        # The initial RAM disk has restarted it, into the system before.
        assert (board.starts, card.slot(), after["version"]) == (2, "a", before["version"])
        assert after["scanners"][0]["uuid"] == before["scanners"][0]["uuid"]
        board.until(lambda: is_settled(board))
