"""What can go wrong, as one tree; the first line of a docstring is the message a person reads.

Protocol layers turn these into their own faults (`soap/faults.py` has the table for SOAP); nothing in this
module knows a protocol. A subclass of `Refusal` is somebody else's mistake or a state of the scanner, and is
logged as one line; anything else that escapes is a defect of ours and is logged with its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence


class BridgeError(Exception):
    """Something in the bridge went wrong."""

    def __str__(self) -> str:
        said = super().__str__()
        return said or self.summary()

    @classmethod
    def summary(cls) -> str:
        """The docstring's first line: what this error means in general."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]


class Refusal(BridgeError):
    """The request cannot be met."""


class InvalidArgument(Refusal):
    """An argument of the request is missing, unknown or not of its type.

    `argument` is the local name of the element that is wrong.
    """

    def __init__(self, argument: str, why: str) -> None:
        super().__init__(f"{argument}: {why}")
        self.argument = argument


class NotPossibleNow(Refusal):
    """The service cannot do this in its present state."""


class TemporaryError(Refusal):
    """Something passing went wrong; the same request may work in a moment."""


class NotAcceptingJobs(Refusal):
    """The scanner takes no new job at present; try again in a moment."""


class FormatNotSupported(Refusal):
    """The scanner does not deliver this file format.

    `supported` are the keywords of those that it does.
    """

    def __init__(self, wanted: str, supported: Sequence[str]) -> None:
        super().__init__(f"the format {wanted} is not offered; there are {', '.join(supported)}")
        self.supported = tuple(supported)


class ConflictingParameters(Refusal):
    """Two parameters that must be honoured exclude each other."""


class NoImagesAvailable(Refusal):
    """There is nothing (more) to scan: the feeder is empty, or the job has delivered all its images."""


class JobNotFound(Refusal):
    """There is no such job, or no longer.

    `job_id` is what was asked for, as text: it may be no number at all.
    """

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id}")
        self.job_id = job_id


class InvalidJobToken(Refusal):
    """The token does not belong to this job."""


class JobCancelled(Refusal):
    """The job was cancelled or given up."""


class InvalidScanIdentifier(Refusal):
    """The scan identifier was never given out, was used, or has expired."""


class InvalidDestinationToken(Refusal):
    """The destination token was never given out, or its subscription has ended."""


class ScannerError(BridgeError):
    """The scanner failed.

    `status` is a keyword of `bridge.scanner.protocol.Status`.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class ConfigError(BridgeError):
    """A setting is wrong; the message names the file, the key and what was expected."""


class UsageError(BridgeError):
    """The command line asks for something that cannot be; nothing was done."""


class NothingFound(BridgeError):
    """Nothing was found to work with; the message says what to do."""


class StateError(BridgeError):
    """The state directory cannot be used; the message says why and what to do."""
