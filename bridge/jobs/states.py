"""The standard's words for the life of a job (wsd-scan.md 5.3 and 5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class JobState(str, Enum):
    """Where a job is in its life."""

    CREATING = "Creating"
    PENDING = "Pending"
    STARTED = "Started"
    PROCESSING = "Processing"
    TERMINATING = "Terminating"
    COMPLETED = "Completed"
    CANCELED = "Canceled"
    ABORTED = "Aborted"

    @property
    def terminal(self) -> bool:
        """Whether the job is over and belongs to the history."""
        return self in (JobState.COMPLETED, JobState.CANCELED, JobState.ABORTED)


class JobReason(str, Enum):
    """Why a job is in its state; the spellings are those of Microsoft's pages."""

    NONE = "None"
    INVALID_SCAN_TICKET = "InvalidScanTicket"
    DOCUMENT_FORMAT_ERROR = "DocumentFormatError"
    IMAGE_TRANSFER_ERROR = "ImageTransferError"
    JOB_CANCELED_AT_DEVICE = "JobCanceledAtDevice"
    JOB_COMPLETED_WITH_ERRORS = "JobCompletedWithErrors"
    JOB_COMPLETED_WITH_WARNINGS = "JobCompletedWithWarnings"
    JOB_SCANNING = "JobScanning"
    JOB_SCANNING_AND_TRANSFERRING = "JobScanningAndTransferring"
    JOB_TRANSFERRING = "JobTransferring"
    JOB_TIMED_OUT = "JobTimedOut"
    SCANNER_STOPPED = "ScannerStopped"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job as it is at one moment; nothing in it changes afterwards.

    `created` and `completed` are UTC; `completed` is None until the job is over (checklist 239).
    """

    id: int
    name: str
    user: str
    state: JobState
    reasons: tuple[JobReason, ...]
    scans_completed: int
    created: datetime
    completed: datetime | None = None
