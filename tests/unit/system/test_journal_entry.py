"""The log as entries of systemd's journal."""

from __future__ import annotations

import io
import re

import pytest
from systemd.journal import sendv
from twisted.logger import LogEvent, Logger, LogLevel, LogPublisher
from twisted.python.failure import Failure

from bridge.system.journal import TextObserver
from bridge.system.journal_entry import MAX_VALUE, EntryObserver

FIELD = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
"""What journald takes for a field's name of a service (systemd.journal-fields(7)); others it drops silently."""


class Journal:
    """A journal that keeps what it is sent; with `trouble` it takes nothing."""

    def __init__(self, namespace: str = "bridge.test", trouble: OSError | None = None) -> None:
        self.sent: list[tuple[str, ...]] = []
        self.trouble = trouble
        self.text = io.StringIO()
        observer = EntryObserver(self.send, TextObserver(self.text, for_journal=True))
        self.log = Logger(namespace, observer=LogPublisher(observer))

    def send(self, *fields: str) -> None:
        """Stand for systemd.journal.sendv."""
        if self.trouble is not None:
            raise self.trouble
        self.sent.append(fields)

    @property
    def entries(self) -> list[dict[str, str]]:
        """The fields of each entry."""
        return [dict(field.split("=", 1) for field in fields) for fields in self.sent]


def test_an_entry_has_message_priority_and_origin() -> None:
    """The message is the text, and the entry says who wrote it and how much it matters."""
    journal = Journal("bridge.jobs.queue")

    journal.log.info("scan of {device} started", device="LiDE 210")

    assert journal.entries == [
        {
            "MESSAGE": "scan of LiDE 210 started",
            "PRIORITY": "6",
            "SYSLOG_IDENTIFIER": "scanbridge",
            "LOGGER": "bridge.jobs.queue",
        }
    ]


@pytest.mark.parametrize(
    ("level", "priority", "message"),
    [("debug", "7", "debug: x"), ("info", "6", "x"), ("warn", "4", "warning: x"), ("error", "3", "error: x")],
)
def test_levels_are_priorities(level: str, priority: str, message: str) -> None:
    """Each level has the priority that the journal has for it; the text names unusual ones as on a terminal."""
    journal = Journal()

    journal.log.emit(LogLevel.levelWithName(level), "x")

    (entry,) = journal.entries
    assert (entry["PRIORITY"], entry["MESSAGE"]) == (priority, message)


def test_what_people_search_for_is_a_field() -> None:
    """Job, client, action and scanner can be searched for, whatever their place in the text."""
    journal = Journal("bridge.soap.dispatch")

    journal.log.info("job {job_id} of {client}", job_id=12, client="192.0.2.7")
    journal.log.info("{action} of {peer} refused", action="CreateScanJob", peer="fe80::1%eth0")
    journal.log.info("{title} does not answer", title="Canon LiDE 210")
    journal.log.info("job {job_id}", job_id=13, scanner="Canon LiDE 210 (pi)")

    found = [
        {name: value for name, value in entry.items() if name in ("JOB_ID", "CLIENT", "ACTION", "SCANNER")}
        for entry in journal.entries
    ]
    assert found == [
        {"JOB_ID": "12", "CLIENT": "192.0.2.7"},
        {"ACTION": "CreateScanJob", "CLIENT": "fe80::1%eth0"},
        {"SCANNER": "Canon LiDE 210"},
        {"JOB_ID": "13", "SCANNER": "Canon LiDE 210 (pi)"},
    ]


@pytest.mark.parametrize("namespace", ["bridge.app.Bridge", "bridge.roster.Roster", "bridge.scanner.supervisor"])
def test_a_name_is_a_scanner_where_scanners_are_named(namespace: str) -> None:
    """Around scanners `name` is one of them."""
    journal = Journal(namespace)

    journal.log.info("{name} is served", name="LiDE 210 (pi)")

    assert journal.entries[0]["SCANNER"] == "LiDE 210 (pi)"


def test_a_name_is_no_scanner_elsewhere() -> None:
    """A job's name, which a client chooses, never passes for a scanner."""
    journal = Journal("bridge.jobs.queue")

    journal.log.info("job {name!r}", name="Invoice")

    assert "SCANNER" not in journal.entries[0]


def test_what_is_unknown_is_no_field() -> None:
    """A field without a value is left out, so that a search for it finds only entries that have it."""
    journal = Journal()

    journal.log.info("{client}", client=None, title="")

    assert journal.entries[0].keys() == {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "LOGGER"}


def test_the_first_name_for_a_field_counts() -> None:
    """An event that names client and peer has one CLIENT."""
    journal = Journal()

    journal.log.info("x", peer="192.0.2.8", client="192.0.2.7")

    assert [field for field in journal.sent[0] if field.startswith("CLIENT=")] == ["CLIENT=192.0.2.7"]


def test_a_value_cannot_forge() -> None:
    """Line breaks and terminal controls in a value are escapes, and a value has a largest size."""
    journal = Journal()

    journal.log.info("x", client="a\nPRIORITY=0\x1b[2J", action="x" * (MAX_VALUE + 1))

    assert journal.entries[0]["CLIENT"] == r"a\nPRIORITY=0\x1b[2J"
    assert journal.entries[0]["ACTION"] == "x" * MAX_VALUE


def test_a_value_without_a_text() -> None:
    """An object that cannot be written does not take the entry with it."""

    class Bad:
        def __str__(self) -> str:
            raise RuntimeError

    journal = Journal()

    journal.log.info("said", action=Bad())

    assert (journal.entries[0]["MESSAGE"], journal.entries[0]["ACTION"]) == ("said", "?")


def test_a_traceback_is_part_of_its_entry() -> None:
    """A failure is one entry: its message, and the traceback indented below."""
    journal = Journal()
    try:
        raise ValueError("bad\x1b[2J")
    except ValueError:
        journal.log.failure("answering {path!r} failed", Failure(), path="/x")

    (entry,) = journal.entries
    first, *rest = entry["MESSAGE"].split("\n")
    assert first == "critical: answering '/x' failed"
    assert rest
    assert all(line.startswith("  ") for line in rest)
    assert rest[-1].endswith(r"ValueError: bad\x1b[2J")
    assert entry["PRIORITY"] == "2"


def test_what_the_journal_does_not_take_is_text() -> None:
    """When the journal cannot be reached, the event is written to standard error with its priority."""
    journal = Journal(trouble=OSError(105, "No buffer space available"))

    journal.log.warn("job {job_id}: jam", job_id=3)

    assert journal.text.getvalue() == "<4>warning: job 3: jam\n"


def test_what_is_sent_is_what_systemd_takes() -> None:
    """Systemd's own binding gets texts NAME=value, with names that journald keeps, and takes them all."""
    taken: list[tuple[str, ...]] = []

    def send(*fields: str) -> None:
        taken.append(fields)
        sendv(*fields)

    def otherwise(event: LogEvent) -> None:
        pytest.fail(f"systemd did not take {event}")

    log = Logger("bridge.scanner.process", observer=LogPublisher(EntryObserver(send, otherwise)))
    log.info("{title}: {line}", title="Büro スキャナー", line="\ud800 \0", job_id=1, client="::1", action="Get")

    (fields,) = taken
    assert all(isinstance(field, str) and FIELD.fullmatch(field.partition("=")[0]) for field in fields)
    assert {field.partition("=")[0] for field in fields} >= {"JOB_ID", "CLIENT", "ACTION", "SCANNER", "MESSAGE"}


def test_systemd_is_particular() -> None:
    """The binding refuses what is no text, so that a test which it passes says something."""
    with pytest.raises(TypeError):
        sendv("MESSAGE=x", 1)
