"""The line that shows how far a scan is."""

from __future__ import annotations

import io

import pytest
from twisted.internet.task import Clock

from bridge.client.progress import BAR, Progress, done_bar, moving_bar, size_text


class Terminal(io.StringIO):
    """A terminal that remembers what was drawn."""

    def isatty(self) -> bool:
        """It is one."""
        return True

    @property
    def drawn(self) -> list[str]:
        """Each drawing of the line, without what clears it."""
        return self.getvalue().split("\r\x1b[K")[1:]


def test_nothing_without_a_terminal() -> None:
    """Into a file or a pipe nothing is drawn."""
    stream = io.StringIO()
    progress = Progress(stream, Clock().seconds)

    progress.waiting("waiting")
    progress.page(1, 100)
    progress.received(bytes(50))
    progress.clear()

    assert stream.getvalue() == ""


def test_a_page_of_known_size() -> None:
    """Page, share, size and time are shown."""
    clock, terminal = Clock(), Terminal()
    progress = Progress(terminal, clock.seconds)
    progress.page(2, 1000)
    clock.advance(3)

    progress.received(bytes(500))

    assert terminal.drawn[-1] == f"page 2  [{'#' * 12}{'.' * 12}]  50 %  500 bytes  3 s"


def test_a_jpeg_tells_its_share_itself() -> None:
    """Without a size, the markers in the image tell how far it is."""
    clock, terminal = Clock(), Terminal()
    progress = Progress(terminal, clock.seconds)
    head = b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x40\x00\x08\x01\x01\x11\x00\xff\xdd\x00\x04\x00\x01\xff\xda\x00\x02"
    progress.page(1, 0, jpeg=True)
    clock.advance(1)
    progress.received(head + b"x\xff\xd0x\xff\xd1x\xff")
    clock.advance(1)
    progress.received(b"\xd2x\xff\xd3")

    assert terminal.drawn[-1].startswith(f"page 1  [{'#' * 12}{'.' * 12}]  50 %")


def test_a_page_of_unknown_size() -> None:
    """Without a size something moves, and no share is invented."""
    clock, terminal = Clock(), Terminal()
    progress = Progress(terminal, clock.seconds)
    progress.page(1, 0)
    clock.advance(0.5)

    progress.received(bytes(1_500_000))

    assert terminal.drawn[-1].startswith("page 1  [")
    assert terminal.drawn[-1].endswith("]  1.5 MB  0 s")
    assert "%" not in terminal.drawn[-1]


def test_waiting() -> None:
    """While nothing comes, the reason is shown, until a page begins."""
    terminal = Terminal()
    progress = Progress(terminal, Clock().seconds)

    progress.waiting("waiting for the scanner")
    progress.page(1, 0)

    assert terminal.drawn[0] == "waiting for the scanner  0 s"
    assert terminal.drawn[1].startswith("page 1")


def test_not_too_often() -> None:
    """A fast scan does not draw for every piece, and counts all of them."""
    clock, terminal = Clock(), Terminal()
    progress = Progress(terminal, clock.seconds)
    progress.page(1, 0)
    for _ in range(100):
        progress.received(b"x")
    assert len(terminal.drawn) == 1

    clock.advance(0.1)
    progress.received(b"x")

    assert len(terminal.drawn) == 2
    assert "101 bytes" in terminal.drawn[-1]


def test_the_line_is_left_empty() -> None:
    """What was drawn is cleared once, so that the next text stands alone."""
    terminal = Terminal()
    progress = Progress(terminal, Clock().seconds)
    progress.waiting("x")

    progress.clear()
    progress.clear()

    assert terminal.drawn == ["x  0 s", ""]


def test_narrow_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line never wraps."""
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()

    Progress(terminal, Clock().seconds).waiting("x" * 100)

    assert terminal.drawn == ["x" * 19]


def test_bars() -> None:
    """A bar is always as wide, whatever it shows, and more than announced is just full."""
    assert done_bar(0, 7) == f"[{'.' * BAR}]   0 %"
    assert done_bar(7, 7) == done_bar(99, 7) == f"[{'#' * BAR}] 100 %"
    for tick in range(100):
        bar = moving_bar(tick / 10)
        assert len(bar) == BAR + 2
        assert bar.count("#") == 4


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (999_000, "999 kB"), (1_000_000, "1.0 MB")]
)
def test_sizes(count: int, text: str) -> None:
    """Sizes are said in the unit that people would take."""
    assert size_text(count) == text
