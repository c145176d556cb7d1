"""Pages on their way: feeders that lie, rows without padding, blocks that are there already."""

from __future__ import annotations

import pytest

from bridge.scanner.failure import ScanFailure
from bridge.scanner.pages import LyingFeeder, Pace, Replay, packed_rows
from bridge.scanner.protocol import Status
from tests.unit.scanner.played_scanner import EMPTY, JAM, PlayedScanner, gray, whole_page

PAGE = (gray(), [b"aaaabbbb"])


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        (("jammed",), [JAM]),
        (("io-error", "jammed"), [JAM]),
        (("jammed",), [(gray(), [JAM])]),
        (("jammed",), [(gray(), [b"", JAM])]),
        (("end-of-file",), [(gray(), [])]),
        (("end-of-file",), [(gray(), [b""])]),
        ((), []),
    ],
)
def test_what_a_driver_says_of_an_empty_feeder(words: tuple[str, ...], ending: list[object]) -> None:
    """What is known to mean an empty feeder is told as one, at the start and before the first data of a page."""
    feeder = LyingFeeder(PlayedScanner(PAGE, *ending), words)
    assert whole_page(feeder) == (gray(), b"aaaabbbb")
    with pytest.raises(ScanFailure) as caught:
        whole_page(feeder)
    assert caught.value.status is Status.NO_DOCUMENTS


def test_what_it_says_of_a_page_is_believed() -> None:
    """In the middle of a page a jam is a jam, and what is not known to be a lie is none."""
    feeder = LyingFeeder(PlayedScanner((gray(), [b"aaaa", JAM])), ("jammed",))
    with pytest.raises(ScanFailure, match="jammed"):
        whole_page(feeder)
    for words in ((), ("io-error", "end-of-file")):
        with pytest.raises(ScanFailure, match="jammed"):
            LyingFeeder(PlayedScanner(JAM), words).start()
    assert whole_page(LyingFeeder(PlayedScanner((gray(), [])), ("jammed",))) == (gray(), b"")
    with pytest.raises(ScanFailure) as caught:
        LyingFeeder(PlayedScanner(EMPTY), ("jammed",)).start()
    assert caught.value is EMPTY


def rows(scanner: PlayedScanner) -> list[bytes]:
    frame = scanner.start()
    return list(packed_rows(scanner, frame, Pace(lambda event: None, lambda: 0.0)))


def test_rows_lose_their_padding() -> None:
    """However the driver cuts them, rows come whole and without padding; a broken last one is left out."""
    data = b"aaaa##bbbb##cccc##dd"
    for length in range(1, len(data) + 1):
        chunks = [data[start : start + length] for start in range(0, len(data), length)]
        assert b"".join(rows(PlayedScanner((gray(padding=2), chunks), room=13))) == b"aaaabbbbcccc"


def test_a_page_without_a_line_is_none() -> None:
    """A page that ends before its first line was never scanned."""
    with pytest.raises(ScanFailure) as caught:
        rows(PlayedScanner((gray(), [b"aaa"])))
    assert caught.value.status is Status.END_OF_FILE


def test_blocks_are_read_in_pieces_of_any_size() -> None:
    """Reads cut and join blocks without losing a byte, and end after the last."""
    for length in (1, 2, 3, 5, 100):
        replay = Replay(iter([b"abc", b"", b"defg", bytearray(b"h")]))
        buffer = replay.buffer(4)
        found = b""
        while (count := replay.read(7, length)) is not None:
            found += buffer[7 : 7 + count]
        assert found == b"abcdefgh"
        assert replay.read(0, 1) is None
