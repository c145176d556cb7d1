"""Which stage a client reached is remembered, in bounded memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.soap import namespaces as ns
from bridge.visitors import ANSWERED, MAX_AGENT, MAX_STRANGERS, MAX_VISITORS, MEANINGS, Stage, Visitors

PC = "192.0.2.20"
WAY = [
    ("Probe", None, Stage.SEARCH),
    (ANSWERED, None, Stage.FOUND),
    (None, ns.TRANSFER_GET, Stage.METADATA),
    (None, f"{ns.WSCN}/GetScannerElements", Stage.SESSION),
    (None, f"{ns.WSE}/Subscribe", Stage.SUBSCRIBED),
    (None, f"{ns.WSCN}/ValidateScanTicket", Stage.TICKET),
    (None, f"{ns.WSCN}/CreateScanJob", Stage.JOB),
    (None, f"{ns.WSCN}/RetrieveImage", Stage.IMAGE),
]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2024, 5, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def go(visitors: Visitors, steps: int) -> None:
    for looked, asked, _ in WAY[:steps]:
        if looked:
            visitors.looked(PC, looked)
        else:
            visitors.asked(PC, "WSDAPI", str(asked), 200)


@pytest.mark.parametrize("steps", range(1, len(WAY) + 1))
def test_the_last_stage_is_the_diagnosis(steps: int) -> None:
    """Wherever Windows stops, the stage before it, its meaning and the advice are told."""
    visitors = Visitors(Clock())
    go(visitors, steps)
    (told,) = visitors.overview()
    stage = WAY[steps - 1][2]
    assert told["stage"] == stage.value
    assert (told["meaning"], told["advice"]) == MEANINGS[stage]
    assert list(told["stages"]) == [each.value for _, _, each in WAY[:steps]]
    assert told["windows"] is (steps > 2)


def test_a_later_question_does_not_undo_what_was_reached() -> None:
    """Windows goes on searching for ever; that it once scanned stays, with times and counts."""
    visitors = Visitors(Clock())
    go(visitors, len(WAY))
    visitors.looked(PC, "Probe")
    (told,) = visitors.overview()
    assert told["stage"] == "image"
    assert told["stages"]["search"] == {"at": "2024-05-01T00:00:09Z", "count": 2}


def test_a_refusal_is_remembered() -> None:
    """What was refused last is told; that a stack has no more pages is no refusal."""
    visitors = Visitors(Clock())
    visitors.asked(PC, "", f"{ns.WSCN}/CreateScanJob", 400)
    visitors.asked(PC, "", f"{ns.WSCN}/RetrieveImage", 400)
    (told,) = visitors.overview()
    assert told["refused"] == {"at": "2024-05-01T00:00:01Z", "action": "CreateScanJob", "http_status": 400}
    assert told["stages"] == {}


def test_memory_is_bounded() -> None:
    """The oldest clients and strangers are forgotten, and no text is long or moves a cursor."""
    visitors = Visitors(Clock())
    for number in range(1000):
        visitors.asked(f"10.0.{number // 256}.{number % 256}", "\x1b[2J" + "x" * 5000, ns.TRANSFER_GET, 200)
        visitors.asked(f"10.0.{number // 256}.{number % 256}", "", "y" * 5000, 400)
        visitors.turned_away(f"10.1.{number // 256}.{number % 256}", "search")
    told = visitors.overview()
    assert len(told) == MAX_VISITORS
    assert told[-1]["client"] == "10.0.3.231"
    assert len(visitors.strangers()) == MAX_STRANGERS
    assert all(len(one["agent"]) <= MAX_AGENT and one["agent"].isprintable() for one in told)
    assert all(len(one["refused"]["action"]) <= MAX_AGENT for one in told)


def test_a_flood_of_searches_drives_out_nobody_who_has_connected() -> None:
    """Searches with forged sources leave those that are remembered for more."""
    visitors = Visitors(Clock())
    go(visitors, len(WAY))
    for number in range(1000):
        visitors.looked(f"10.0.{number // 256}.{number % 256}", "Probe")
    told = visitors.overview()
    assert len(told) == MAX_VISITORS
    assert [one["stage"] for one in told if one["client"] == PC] == ["image"]
    assert told[-1]["client"] == "10.0.3.231"


def test_every_stage_has_a_meaning() -> None:
    """No diagnosis without advice."""
    assert MEANINGS.keys() == set(Stage)
