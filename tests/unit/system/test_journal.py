"""The log on standard error."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from twisted.logger import FilteringLogObserver, Logger, LogLevel, LogPublisher
from twisted.python.failure import Failure

from bridge.system.escape import safe
from bridge.system.journal import LogLevels, TextObserver, is_journal
from bridge.system.journal_entry import MAX_LINE

NOON = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC).timestamp()


class Book:
    """A logger whose observer writes into `text`."""

    def __init__(self, level: str = "info", *, namespace: str = "bridge.test", for_journal: bool = False) -> None:
        self.stream = io.StringIO()
        self.levels = LogLevels(level)
        observer = TextObserver(
            self.stream,
            for_journal=for_journal,
            local_time=lambda _seconds: datetime.fromtimestamp(NOON, UTC),
        )
        publisher = LogPublisher(FilteringLogObserver(observer, [self.levels.predicate]))
        self.log = Logger(namespace, observer=publisher)

    @property
    def lines(self) -> list[str]:
        """What was written, line by line."""
        return self.stream.getvalue().splitlines()


def test_a_line_for_people() -> None:
    """An event is one line with its local time; the usual level is not named."""
    book = Book()

    book.log.info("scan of {device} started", device="LiDE 210")

    assert book.stream.getvalue() == "2024-05-01 12:00:00 scan of LiDE 210 started\n"


def test_levels_are_named() -> None:
    """What is more or less than usual says so in front."""
    book = Book("debug")

    book.log.debug("a")
    book.log.warn("b")
    book.log.error("c")
    book.log.critical("d")

    assert [line.split(" ", 2)[2] for line in book.lines] == ["debug: a", "warning: b", "error: c", "critical: d"]


def test_a_line_for_the_journal() -> None:
    """In the journal a line has a priority instead of a time."""
    book = Book(for_journal=True)

    book.log.info("a")
    book.log.error("b")

    assert book.lines == ["<6>a", "<3>error: b"]


def test_level_of_the_settings() -> None:
    """Lines below the level are not written, from the next event after a change on."""
    book = Book("warn")
    book.log.info("one")
    book.log.warn("two")
    book.levels.set("debug")
    book.log.debug("three")

    assert [line.rsplit(" ", 1)[1] for line in book.lines] == ["two", "three"]


@pytest.mark.parametrize("namespace", ["twisted.internet.tcp", "log_legacy"])
def test_libraries_are_quiet(namespace: str) -> None:
    """Twisted's own news are written from warnings on, but in a debug log all of them."""
    book = Book("info", namespace=namespace)
    book.log.info("Starting factory")
    assert book.lines == []

    book.log.warn("odd")
    book.levels.set("debug")
    book.log.debug("chatter")
    assert [line.rsplit(" ", 1)[1] for line in book.lines] == ["odd", "chatter"]


def test_libraries_are_no_louder_than_the_level() -> None:
    """A log of errors has no warnings of libraries either."""
    book = Book("error", namespace="twisted.web")

    book.log.warn("odd")

    assert book.lines == []


def test_no_forged_lines() -> None:
    """A job name with line breaks and escape sequences stays one harmless line."""
    book = Book()

    book.log.info("job {name}", name="x\r\n2024-05-01 12:00:00 all is well\x1b[2J\u202e\x9b")

    (line,) = book.lines
    assert line == r"2024-05-01 12:00:00 job x\r\n2024-05-01 12:00:00 all is well\x1b[2J\u202e\x9b"


def test_text_that_is_harmless_stays() -> None:
    """Letters of any script are written as they are."""
    assert safe("Büro, スキャナー, 🖨") == "Büro, スキャナー, 🖨"


def test_tracebacks() -> None:
    """A failure is written with its traceback, each line indented, so that none can be taken for an event."""
    book = Book(for_journal=True)
    try:
        raise ValueError("bad\x1b[2J\nnews")
    except ValueError:
        book.log.failure("scan of {device} failed", Failure(), device="a", level=LogLevel.error)

    assert book.lines[0] == "<3>error: scan of a failed"
    assert all(line.startswith("<3>  ") for line in book.lines[1:])
    assert any(r"ValueError: bad\x1b[2J" in line for line in book.lines)
    assert "\x1b" not in book.stream.getvalue()


def test_an_event_that_cannot_be_formatted() -> None:
    """A mistake in a log call is a line in the log, not an error in the program."""
    book = Book()

    book.log.info("{missing.field}", other=1)

    (line,) = book.lines
    assert "missing" in line


def test_long_lines_are_cut() -> None:
    """A line of the largest size is written whole, one more character is cut and the length is told."""
    book = Book(for_journal=True)

    book.log.info("{text}", text="x" * MAX_LINE)
    book.log.info("{text}", text="x" * (MAX_LINE + 1))

    assert book.lines[0] == "<6>" + "x" * MAX_LINE
    assert book.lines[1] == "<6>" + "x" * MAX_LINE + f"… ({MAX_LINE + 1} characters)"


def test_a_log_that_cannot_be_written() -> None:
    """A full disk or a closed pipe under the log stops nothing."""
    book = Book()
    book.stream.close()

    book.log.info("unheard")


def test_the_journal_is_known_by_its_stream(tmp_path: Path) -> None:
    """Only the stream that systemd names is the journal: a redirected one gets times again."""
    with (tmp_path / "log").open("w") as stream:
        told = os.fstat(stream.fileno())

        assert is_journal(stream, {"JOURNAL_STREAM": f"{told.st_dev}:{told.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{told.st_dev}:{told.st_ino + 1}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": "nonsense"})
        assert not is_journal(stream, {})
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})
