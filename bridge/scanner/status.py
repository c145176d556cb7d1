"""ScannerStatus: what the scanner is doing and what is wrong with it (wsd-scan.md 5.5, 6.3 and 12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

HISTORY_LIMIT = 20
"""How many cleared conditions are remembered."""


class ScannerState(str, Enum):
    """What the scanner can take on now."""

    IDLE = "Idle"
    PROCESSING = "Processing"
    STOPPED = "Stopped"


class StateReason(str, Enum):
    """Why the scanner is in its state."""

    NONE = "None"
    ATTENTION_REQUIRED = "AttentionRequired"
    CALIBRATING = "Calibrating"
    COVER_OPEN = "CoverOpen"
    INTERNAL_STORAGE_FULL = "InternalStorageFull"
    LAMP_ERROR = "LampError"
    LAMP_WARMING = "LampWarming"
    MEDIA_JAM = "MediaJam"
    MULTIPLE_FEED_ERROR = "MultipleFeedError"
    PAUSED = "Paused"


class ConditionName(str, Enum):
    """What can be wrong or worth saying."""

    CALIBRATING = "Calibrating"
    COVER_OPEN = "CoverOpen"
    INPUT_TRAY_EMPTY = "InputTrayEmpty"
    INTERNAL_STORAGE_FULL = "InternalStorageFull"
    LAMP_ERROR = "LampError"
    LAMP_WARMING = "LampWarming"
    MEDIA_JAM = "MediaJam"
    MULTIPLE_FEED_ERROR = "MultipleFeedError"


class Component(str, Enum):
    """Where a condition is."""

    ADF = "ADF"
    MEDIA_PATH = "MediaPath"
    PLATEN = "Platen"


class Severity(str, Enum):
    """How far a condition keeps the scanner from scanning."""

    INFORMATIONAL = "Informational"
    WARNING = "Warning"
    CRITICAL = "Critical"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is, or was, the matter; `cleared` is None while it lasts."""

    id: int
    time: datetime
    name: ConditionName
    component: Component
    severity: Severity
    cleared: datetime | None = None


class StatusObserver:
    """Told of every change; a subclass overrides what it wants to hear."""

    def summary_changed(self, status: ScannerStatus) -> None:
        """State or reasons are others than before."""

    def condition_added(self, condition: Condition) -> None:
        """A condition has appeared."""

    def condition_cleared(self, condition: Condition) -> None:
        """A condition is over."""


class ScannerStatus:
    """The state of one scanner, put together from what its jobs and its worker report.

    `now` tells the time in UTC. The state is Stopped while a critical condition or a stop reason lasts, else
    Processing while a job works with the scanner, else Idle (wsd-scan.md 12).
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._busy = False
        self._working_reason = StateReason.NONE
        self._stops: dict[str, StateReason] = {}
        self._conditions: dict[int, Condition] = {}
        self._by_whom: dict[int, str] = {}
        self._history: list[Condition] = []
        self._next_id = 1
        self._observers: list[StatusObserver] = []
        self._announced = self._summary()

    def observe(self, observer: StatusObserver) -> None:
        """Tell `observer` of every change from now on."""
        self._observers.append(observer)

    @property
    def now(self) -> datetime:
        """ScannerCurrentTime: the clock that all times of this scanner come from."""
        return self._now()

    @property
    def state(self) -> ScannerState:
        """Idle, Processing or Stopped."""
        return self._summary()[0]

    @property
    def reasons(self) -> tuple[StateReason, ...]:
        """At least one reason, None when there is nothing to say."""
        return self._summary()[1]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What is the matter now, oldest first."""
        return tuple(self._conditions.values())

    @property
    def history(self) -> tuple[Condition, ...]:
        """What was the matter, oldest first; bounded by HISTORY_LIMIT."""
        return tuple(self._history)

    def busy(self, busy: bool) -> None:
        """A job has begun or ceased to work with the scanner."""
        self._busy = busy
        if not busy:
            self._working_reason = StateReason.NONE
        self._announce()

    def working(self, reason: StateReason) -> None:
        """What a busy scanner is held up by, such as LampWarming; None when it is not."""
        self._working_reason = reason
        self._announce()

    def stop(self, who: str, reason: StateReason) -> None:
        """The scanner cannot be used, for a reason that is no condition, such as being unplugged.

        `who` says so, and is the one to take it back with `resume`.
        """
        self._stops[who] = reason
        self._announce()

    def resume(self, who: str) -> None:
        """What `who` gave as a reason to stop is over; harmless when there was none."""
        self._stops.pop(who, None)
        self._announce()

    def add(self, name: ConditionName, component: Component, severity: Severity, who: str = "") -> Condition:
        """`who` says that a condition has appeared; one that lasts already is given back as it is."""
        for condition in self._conditions.values():
            if (condition.name, condition.component) == (name, component):
                return condition
        condition = Condition(self._next_id, self._now(), name, component, severity)
        self._next_id += 1
        self._conditions[condition.id] = condition
        self._by_whom[condition.id] = who
        for observer in self._observers:
            observer.condition_added(condition)
        self._announce()
        return condition

    def clear(self, *names: ConditionName, who: str | None = None) -> None:
        """The conditions of these names are over, all conditions when none is named; of those, what `who` has said."""
        for condition in tuple(self._conditions.values()):
            if (names and condition.name not in names) or who not in (None, self._by_whom[condition.id]):
                continue
            del self._conditions[condition.id]
            del self._by_whom[condition.id]
            over = Condition(
                condition.id, condition.time, condition.name, condition.component, condition.severity, self._now()
            )
            self._history = [*self._history, over][-HISTORY_LIMIT:]
            for observer in self._observers:
                observer.condition_cleared(over)
        self._announce()

    def _summary(self) -> tuple[ScannerState, tuple[StateReason, ...]]:
        stopping = [
            StateReason(condition.name.value)
            for condition in self._conditions.values()
            if condition.severity is Severity.CRITICAL
        ]
        stopping.extend(self._stops.values())
        if stopping:
            return ScannerState.STOPPED, tuple(dict.fromkeys(stopping))
        if self._busy:
            return ScannerState.PROCESSING, (self._working_reason,)
        return ScannerState.IDLE, (StateReason.NONE,)

    def _announce(self) -> None:
        summary = self._summary()
        if summary != self._announced:
            self._announced = summary
            for observer in self._observers:
                observer.summary_changed(self)
