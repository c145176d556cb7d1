"""What `serve` tells the person who started it."""

from __future__ import annotations

from bridge.welcome import welcome


def test_real_scanners_are_named() -> None:
    """Every scanner's name, the command that fetches a page, and the address of the page are told."""
    text = welcome(["Canon LiDE 220 (pi)", "Epson V39 (pi)"], 8018, virtual=False)
    words_to_find = ("Canon LiDE 220 (pi)", "Epson V39 (pi)", "./run scan -o page.jpg", "http://127.0.0.1:8018/")
    for words in (*words_to_find, "Windows"):
        assert words in text
    assert "virtual" not in text


def test_the_virtual_scanner_is_said_to_be_one() -> None:
    """Nobody takes test pictures for a page of their own."""
    assert "virtual scanner" in welcome(["Noname frontend-tester (pi)"], 8018, virtual=True)


def test_no_scanner_at_all() -> None:
    """Without a scanner the text says what to do."""
    assert "Plug one in" in welcome([], 8018, virtual=False)
