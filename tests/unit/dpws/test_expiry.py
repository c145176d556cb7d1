"""Terms of subscriptions: xs:duration, xs:dateTime, and what is granted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.dpws.expiry import (
    DEFAULT_TERM_S,
    MAX_TERM_S,
    MAX_TEXT,
    TermRules,
    format_datetime,
    format_duration,
    parse_datetime,
    parse_duration,
)
from bridge.soap import namespaces as ns
from bridge.soap.faults import SoapFault

NOW = 1_700_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR


def rules(*, synchronised: bool = True) -> TermRules:
    return TermRules(lambda: NOW, lambda: synchronised)


def refusal(asked: str, *, synchronised: bool = True) -> str:
    """The local name of the fault's subcode."""
    with pytest.raises(SoapFault) as caught:
        rules(synchronised=synchronised).grant(asked)
    assert caught.value.action == ns.EVENTING_FAULT
    assert caught.value.code == f"{{{ns.SOAP}}}Sender"
    assert caught.value.subcode is not None
    return ns.local_name(caught.value.subcode)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1H", HOUR),
        ("PT60M", HOUR),
        ("PT3600S", HOUR),
        ("P0Y0M0DT30H0M0S", 30 * HOUR),
        ("P1D", DAY),
        ("P1DT1H1M1S", DAY + HOUR + 61),
        ("P1M", 30 * DAY),
        ("P1Y", 365 * DAY),
        ("P1Y2M3DT4H5M6.5S", 365 * DAY + 60 * DAY + 3 * DAY + 4 * HOUR + 306.5),
        ("PT0.25S", 0.25),
        ("PT007S", 7),
        ("PT0S", 0),
        ("-PT1H", -HOUR),
    ],
)
def test_a_duration_is_read_with_all_its_parts(text: str, seconds: float) -> None:
    """An xs:duration counts 365 days for a year and 30 for a month, fractions of a second included."""
    assert parse_duration(text) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "", "P", "PT", "-P", "P1", "1H", "PT1", "P1H", "PT1D", "P1DT", "PT1M1H", "P1M1Y", "PT1.5H", "PT1.S", "PT.5S",
        "PT1,5S", "+PT1H", "PT-1H", "pt1h", "PT1H ", "P T1H", "PT1H1H", "--PT1H", "PT\u0661H", "PT1e3S", "PTINFS",
        "PT1H\n", "P" + "9" * MAX_TEXT + "Y",
    ],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Everything outside the syntax of xs:duration, and text without bounds, is refused."""
    with pytest.raises(ValueError, match="no xs:duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (HOUR, "PT1H"),
        (30 * HOUR, "PT30H"),
        (61, "PT1M1S"),
        (3599.5, "PT59M59.5S"),
        (0.001, "PT0.001S"),
        (0.0, "PT0.001S"),
        (1.2341, "PT1.235S"),
        (59.9999, "PT1M"),
        (0.1 + 0.2, "PT0.3S"),
    ],
)
def test_a_duration_is_written_shortly_and_never_as_zero(seconds: float, text: str) -> None:
    """A rest of a term is rounded up to the millisecond, so that what is not over is never told to be."""
    assert format_duration(seconds) == text


def test_every_whole_second_survives_writing_and_reading() -> None:
    """What is written as a duration means the same when it is read."""
    for seconds in (*range(1, 4000), 86399, 86400, 86401, int(MAX_TERM_S)):
        assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T22:13:20", NOW),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14T16:43:20-05:30", NOW),
        ("2023-11-14T22:13:20.250Z", NOW + 0.25),
        ("2023-11-14T24:00:00Z", datetime(2023, 11, 15, tzinfo=UTC).timestamp()),
        ("1969-12-31T23:59:59Z", -1.0),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC).timestamp()),
    ],
)
def test_a_time_is_read_in_its_zone(text: str, moment: float) -> None:
    """An xs:dateTime is read with its offset, in UTC without one, with 24:00:00 as the end of the day."""
    assert parse_datetime(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "", "tomorrow", "2023-11-14", "22:13:20Z", "2023-11-14 22:13:20Z", "2023-11-14T22:13Z", "2023-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z", "2023-11-14T25:00:00Z", "2023-11-14T24:00:01Z", "2023-11-14T22:60:00Z",
        "2023-11-14T22:13:60Z", "2023-11-14T22:13:20+15:00", "2023-11-14T22:13:20+01:60", "2023-11-14T22:13:20z",
        "0000-01-01T00:00:00Z", "-2023-11-14T22:13:20Z", "12023-11-14T22:13:20Z",
        "2023-11-14T22:13:20." + "0" * MAX_TEXT,
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    """Everything outside xs:dateTime, and days that do not exist, is refused."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_datetime(text)


def test_a_time_is_written_in_utc() -> None:
    """An xs:dateTime that we write ends with Z and has milliseconds only where there are any."""
    assert format_datetime(NOW) == "2023-11-14T22:13:20Z"
    assert format_datetime(NOW + 0.25) == "2023-11-14T22:13:20.25Z"
    assert parse_datetime(format_datetime(NOW + 0.125)) == NOW + 0.125


@pytest.mark.conformance(259, 260)
@pytest.mark.parametrize(
    ("asked", "seconds", "text"),
    [
        ("PT1H", HOUR, "PT1H"),
        ("PT60M", HOUR, "PT1H"),
        ("P0Y0M0DT30H0M0S", 30 * HOUR, "PT30H"),
        ("PT2.5S", 2.5, "PT2.5S"),
        ("P2D", MAX_TERM_S, "PT48H"),
        ("P2DT1S", MAX_TERM_S, "PT48H"),
        ("P99999999999999999999Y", MAX_TERM_S, "PT48H"),
        (None, DEFAULT_TERM_S, "PT1H"),
    ],
)
def test_a_duration_is_granted_exactly_up_to_two_days(asked: str | None, seconds: float, text: str) -> None:
    """A duration is granted as asked and answered with a duration; 48 hours is the most, one hour the default."""
    term = rules().grant(asked)
    assert (term.seconds, term.text) == (seconds, text)


def test_a_duration_needs_no_synchronised_clock() -> None:
    """Durations are granted whatever the clock says."""
    assert rules(synchronised=False).grant("PT1H").text == "PT1H"


@pytest.mark.conformance(261)
@pytest.mark.parametrize(
    "asked",
    ["PT0S", "P0Y", "-PT1H", "2023-11-14T22:13:20Z", "2023-11-14T22:13:19Z", "1970-01-01T00:00:00Z", "", "PT", "soon"],
)
def test_a_term_that_is_over_or_none_is_refused(asked: str) -> None:
    """Zero, the past and what cannot be read get wse:InvalidExpirationTime."""
    assert refusal(asked) == "InvalidExpirationTime"


def test_a_time_is_granted_and_answered_as_a_time() -> None:
    """A dateTime within 48 hours comes back as it is, a later one as 48 hours from now."""
    term = rules().grant("2023-11-15T00:13:20+01:00")
    assert (term.seconds, term.text) == (HOUR, "2023-11-14T23:13:20Z")
    far = rules().grant("2030-01-01T00:00:00Z")
    assert (far.seconds, far.text) == (MAX_TERM_S, "2023-11-16T22:13:20Z")


def test_a_time_needs_a_synchronised_clock() -> None:
    """A dateTime gets wse:UnsupportedExpirationType while nobody vouches for the clock."""
    assert refusal("2023-11-14T23:13:20Z", synchronised=False) == "UnsupportedExpirationType"
    assert refusal("never", synchronised=False) == "InvalidExpirationTime"


def test_a_moment_is_told_to_the_second() -> None:
    """The status tells ends of terms in whole seconds of UTC."""
    assert rules().moment(59.7) == "2023-11-14T22:14:20Z"
