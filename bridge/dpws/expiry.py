"""How long a subscription lasts: xs:duration and xs:dateTime, and what is granted (eventing.md 2.2)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.dpws.eventing_faults import invalid_expiration, unsupported_expiration

DEFAULT_TERM_S = 3600.0
"""What a client gets that names no term."""

MAX_TERM_S = 48 * 3600.0
"""The longest term that is granted; whatever is shorter is granted exactly."""

MAX_TEXT = 64
"""Longest text in characters that is read as a duration or a time."""

DAY_S = 86400
MONTH_S = 30 * DAY_S
YEAR_S = 365 * DAY_S

_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<years>[0-9]+)Y)?(?:(?P<months>[0-9]+)M)?(?:(?P<days>[0-9]+)D)?"
    r"(?P<time>T(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+(?:\.[0-9]+)?)S)?)?"
)
_UNITS_S = {"years": YEAR_S, "months": MONTH_S, "days": DAY_S, "hours": 3600, "minutes": 60, "seconds": 1}

_DATETIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))?"
)
_MAX_ZONE_MIN = 14 * 60
_MS = 1000


@dataclass(frozen=True, slots=True)
class Term:
    """A term that is granted: its length in seconds from now, and how the answer says it."""

    seconds: float
    text: str


class TermRules:
    """Grants terms.

    `now` is the wall clock in seconds since 1970, UTC; `synchronised` says whether it can be trusted.
    """

    def __init__(self, now: Callable[[], float], synchronised: Callable[[], bool]) -> None:
        self._now = now
        self._synchronised = synchronised

    def grant(self, asked: str | None) -> Term:
        """The term for the text of wse:Expires, None when there was none.

        A duration is answered with a duration and a time with a time (checklist 259). Raises SoapFault with
        InvalidExpirationTime or UnsupportedExpirationType.
        """
        if asked is None:
            return Term(DEFAULT_TERM_S, format_duration(DEFAULT_TERM_S))
        try:
            if asked.lstrip("-").startswith("P"):
                seconds = _bounded(parse_duration(asked))
                return Term(seconds, format_duration(seconds))
            end = parse_datetime(asked)
        except ValueError as error:
            raise invalid_expiration(str(error)) from error
        if not self._synchronised():
            raise unsupported_expiration()
        now = self._now()
        seconds = _bounded(end - now)
        return Term(seconds, format_datetime(min(end, now + MAX_TERM_S)))

    def moment(self, seconds: float) -> str:
        """The point in time `seconds` from now, to the second, for people and the status."""
        return format_datetime(round(self._now() + seconds))


def parse_duration(text: str) -> float:
    """The seconds that the xs:duration `text` lasts, negative when it says so; a year has 365 days, a month 30.

    Raises ValueError for anything else, and for text longer than MAX_TEXT.
    """
    match = _DURATION.fullmatch(text) if len(text) <= MAX_TEXT else None
    if match is None or match["time"] == "T" or all(match[unit] is None for unit in _UNITS_S):
        raise ValueError("this is no xs:duration")
    seconds = math.fsum(float(match[unit] or 0) * length for unit, length in _UNITS_S.items())
    return -seconds if match["sign"] else seconds


def format_duration(seconds: float) -> str:
    """`seconds` as an xs:duration in hours, minutes and seconds, rounded up to the millisecond and never zero."""
    whole, milliseconds = divmod(max(1, _milliseconds(seconds)), _MS)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    fraction = f".{milliseconds:03}".rstrip("0") if milliseconds else ""
    parts = [f"{hours}H" if hours else "", f"{minutes}M" if minutes else ""]
    if rest or fraction:
        parts.append(f"{rest}{fraction}S")
    return "PT" + "".join(parts)


def parse_datetime(text: str) -> float:
    """The xs:dateTime `text` in seconds since 1970; without a zone it is taken as UTC.

    Raises ValueError for anything else, and for years beyond 9999.
    """
    match = _DATETIME.fullmatch(text) if len(text) <= MAX_TEXT else None
    if match is None:
        raise ValueError("this is neither an xs:duration nor an xs:dateTime")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction = float(match[7] or 0)
    midnight = hour == 24
    if midnight and (minute or second or fraction):
        raise ValueError("the day ends at 24:00:00")
    zone_min = int(match[9] or 0) * 60 + int(match[10] or 0)
    if zone_min > _MAX_ZONE_MIN or int(match[10] or 0) > 59:
        raise ValueError("there is no such time zone")
    at = datetime(year, month, day, 0 if midnight else hour, minute, second, tzinfo=UTC)
    east_s = zone_min * 60 * (-1 if match[8] == "-" else 1)
    return at.timestamp() + (DAY_S if midnight else 0) + fraction - east_s


def format_datetime(moment: float) -> str:
    """`moment`, seconds since 1970, as an xs:dateTime in UTC, with milliseconds where there are any."""
    whole, milliseconds = divmod(round(moment * _MS), _MS)
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=whole)
    fraction = f".{milliseconds:03}".rstrip("0") if milliseconds else ""
    return at.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + fraction + "Z"


def _bounded(seconds: float) -> float:
    if seconds <= 0:
        raise invalid_expiration("the term is over before it begins")
    return min(seconds, MAX_TERM_S)


def _milliseconds(seconds: float) -> int:
    """Rounded up, but not for what binary fractions add beyond the microsecond."""
    return math.ceil(round(seconds * _MS, 3))
