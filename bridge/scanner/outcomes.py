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
    `condition` appears in ScannerStatus; `attention` stops the scanner with AttentionRequired instead.
    `refusal` is the error that the client's request meets, `advice` what it says.
    """

    refusal: type[Refusal]
    advice: str
    recoverable: bool = False
    condition: ConditionName | None = None
    severity: Severity = Severity.CRITICAL
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
        component = Component.ADF if source.is_feeder else Component.PLATEN
        status.add(outcome.condition, component, outcome.severity)
    if outcome.attention:
        status.stop(FAILURE, StateReason.ATTENTION_REQUIRED)


def forget(status: ScannerStatus) -> None:
    """Take back what `report` showed: the scanner works again, or nobody can know any more."""
    status.clear()
    status.resume(FAILURE)


FAILURE = "failure"
"""Who stops the scanner's status in `report`."""
