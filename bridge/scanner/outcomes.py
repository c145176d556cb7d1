"""What a failure of the scanner means for people, for the scanner's status and for the job: one table.

The first column is what the worker or its supervisor reports; wsd-scan.md 9.4, 11.2 and 12 say what follows.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import JobCancelled, NoImagesAvailable, NotPossibleNow, Refusal, ScannerError, TemporaryError
from bridge.scanner.model import InputSource
from bridge.scanner.protocol import Status
from bridge.scanner.status import Component, ConditionName, ScannerStatus, Severity, StateReason


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from one kind of failure.

    `recoverable`: a person can mend it and the same job can go on, so it waits (design, a waiting RetrieveImage).
    `condition` appears in ScannerStatus, at `component` or else at the source of the scan; `attention` stops the
    scanner with AttentionRequired instead.
    `refusal` is the error that the client's request meets, `advice` what it says.
    """

    refusal: type[Refusal]
    advice: str
    recoverable: bool = False
    condition: ConditionName | None = None
    severity: Severity = Severity.CRITICAL
    component: Component | None = None
    attention: bool = False


OUTCOMES: dict[Status, Outcome] = {
    Status.JAMMED: Outcome(
        NotPossibleNow,
        "paper is jammed in the feeder; clear it and scan again",
        recoverable=True,
        condition=ConditionName.MEDIA_JAM,
    ),
    Status.COVER_OPEN: Outcome(
        NotPossibleNow,
        "the scanner's cover is open; close it and scan again",
        recoverable=True,
        condition=ConditionName.COVER_OPEN,
    ),
    Status.NO_DOCUMENTS: Outcome(
        NoImagesAvailable,
        "the feeder is empty; load paper and scan again",
        condition=ConditionName.INPUT_TRAY_EMPTY,
        severity=Severity.INFORMATIONAL,
    ),
    Status.DEVICE_BUSY: Outcome(
        TemporaryError,
        "another program on the bridge's computer is using the scanner; close it and scan again",
        recoverable=True,
        attention=True,
    ),
    Status.CANCELLED: Outcome(JobCancelled, "the scan was cancelled"),
    Status.END_OF_FILE: Outcome(TemporaryError, "the scanner delivered no data; scan again"),
    Status.UNSUPPORTED: Outcome(NotPossibleNow, "the scanner does not support what was asked for; change the settings"),
    Status.INVALID: Outcome(NotPossibleNow, "the scanner refused the settings; change resolution, colour or size"),
    Status.NO_MEMORY: Outcome(TemporaryError, "the scanner's driver ran out of memory; use a lower resolution"),
    Status.IO_ERROR: Outcome(
        TemporaryError,
        "the connection to the scanner failed; check its cable and power, then scan again",
        attention=True,
    ),
    Status.ACCESS_DENIED: Outcome(
        NotPossibleNow,
        "the bridge may not use the scanner; its user must be in the group scanner",
        attention=True,
    ),
    Status.STORAGE_FULL: Outcome(
        TemporaryError,
        "the disk of the bridge's computer is full; make room there, or scan into JPEG, which needs none",
        condition=ConditionName.INTERNAL_STORAGE_FULL,
        component=Component.MEDIA_PATH,
    ),
    Status.GONE: Outcome(
        TemporaryError, "the scanner is not connected or switched off; plug it in and switch it on", attention=True
    ),
    Status.DIED: Outcome(TemporaryError, "the scanner's driver crashed and was started anew; scan again"),
    Status.STALLED: Outcome(
        TemporaryError,
        "the scanner stopped answering; switch it off and on if this happens again",
        attention=True,
    ),
    Status.PROTOCOL: Outcome(TemporaryError, "the scanner's driver misbehaved and was started anew; scan again"),
}


def outcome_of(error: ScannerError) -> Outcome:
    """The row for `error`; a status that nobody knows counts as misbehaviour."""
    try:
        return OUTCOMES[Status(error.status)]
    except ValueError:
        return OUTCOMES[Status.PROTOCOL]


def refusal_for(error: ScannerError) -> Refusal:
    """What the client's request meets for `error`."""
    outcome = outcome_of(error)
    return outcome.refusal(outcome.advice)


def report(status: ScannerStatus, error: ScannerError, source: InputSource) -> None:
    """Show `error` in the scanner's status."""
    outcome = outcome_of(error)
    if outcome.condition is not None:
        component = outcome.component or (Component.ADF if source.is_feeder else Component.PLATEN)
        status.add(outcome.condition, component, outcome.severity, FAILURE)
    if outcome.attention:
        status.stop(FAILURE, StateReason.ATTENTION_REQUIRED)


def forget(status: ScannerStatus, source: InputSource | None = None) -> None:
    """Take back what `report` showed: the scanner works again, with `source`, or nobody can know any more."""
    status.clear(who=FAILURE)
    if source is not None and source.is_feeder:
        # Whatever its sensor last said: there was paper.
        status.clear(ConditionName.INPUT_TRAY_EMPTY)
    status.resume(FAILURE)


def show_paper(status: ScannerStatus, loaded: bool | None) -> None:
    """Show what the feeder's sensor says: whether there is paper, None when nobody looks or there is no sensor."""
    if loaded is False:
        status.add(ConditionName.INPUT_TRAY_EMPTY, Component.ADF, Severity.INFORMATIONAL, _SENSOR)
    elif loaded:
        status.clear(ConditionName.INPUT_TRAY_EMPTY)
    else:
        status.clear(ConditionName.INPUT_TRAY_EMPTY, who=_SENSOR)


FAILURE = "failure"
"""Who stops the scanner's status in `report`."""

_SENSOR = "sensor"
"""Who says that the feeder is empty, in `show_paper`."""
