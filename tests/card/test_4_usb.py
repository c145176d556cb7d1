"""A scanner is plugged into the board: the kernel's USB, udev, SANE and its driver are the card's own.

The board has no USB at all until then: the service must let in what the kernel does not know yet when it starts.
"""

from __future__ import annotations

import socket
from pathlib import Path

from tests.card.board import BOOT_S, Board, make_key, settings
from tests.card.image import Card
from tests.card.test_1_first_start import scanbridge
from tests.interop.discovery_client import Client, Heard
from tests.interop.namespaces import Host
from tests.system.vm.machine import TESTS
from tests.system.vm.plug import MODEL, Plug

PROGRAM = "scanner_device.py"


def announced(listener: Client, action: str, uuid: str, *, other: bool = False) -> str:
    """The UUID in the next Hello or Bye, which must be that of `uuid` or, with `other`, must not be."""

    def is_wanted(heard: Heard) -> bool:
        return heard.action == action and (_uuid(heard) != uuid if other else _uuid(heard) == uuid)

    return _uuid(listener.next(is_wanted, patience=BOOT_S))


def _uuid(heard: Heard) -> str:
    return heard.text("wsa:EndpointReference/wsa:Address").removeprefix("urn:uuid:")


def test_a_scanner_comes_and_goes(card: Card, computer: Host, tmp_path: Path) -> None:
    """Plugged in: the virtual scanner gives way, Hello comes, a page is scanned. Pulled out: Bye, and it is back."""
    key, public = make_key(tmp_path)
    settings(card, f'[board]\nssh_key = "{public}"\n')
    with Board(card, computer, tmp_path, key) as board:
        virtual = board.wait_until_ready()["scanners"][0]["uuid"]
        board.write(f"{TESTS}/{PROGRAM}", (Path(__file__).parents[1] / "system/vm" / PROGRAM).read_text())
        listener = Client(computer, socket.AF_INET).join()

        with Plug(board) as plug:
            real = announced(listener, "Hello", virtual, other=True)
            status = board.wait_for(lambda status: [each["uuid"] for each in status["scanners"]] == [real])
            assert status["scanners"][0]["name"].startswith(MODEL)
            scanned = scanbridge(computer, tmp_path, "scan", "-o", str(tmp_path / "page.jpg"), "--resolution", "75")
            assert scanned.returncode == 0, scanned.stderr
            assert (tmp_path / "page.jpg").read_bytes()[:3] == b"\xff\xd8\xff"

            plug.pull()
            assert announced(listener, "Bye", real) == real
        assert announced(listener, "Hello", virtual) == virtual
