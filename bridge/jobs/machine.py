"""The life of a job as an explicit machine (wsd-scan.md 11.1 and 11.2).

                      +--------- given_up --------------------> Aborted
    Creating -> Pending -> Started -> Processing -> Completed
                      |        |          |
                      +--------+----------+- cancelled -> Terminating -> Canceled
                               +----------+- given_up --> Terminating -> Aborted

A transition that is not in the picture raises automat.NoTransition: it is a defect of ours, never a client's doing.
"""

from __future__ import annotations

from collections.abc import Callable

from automat import MethodicalMachine

from bridge.jobs.states import JobState


class JobMachine:
    """Where one job is; `entered` is told each state as it is entered."""

    _machine = MethodicalMachine()

    def __init__(self, entered: Callable[[JobState], None]) -> None:
        self._entered = entered

    # -- states ----------------------------------------------------------------------------------

    @_machine.state(initial=True)
    def creating(self) -> None:
        """The ticket is accepted; number and token are being given."""

    @_machine.state()
    def pending(self) -> None:
        """Waiting for a RetrieveImage, or for the scanner."""

    @_machine.state()
    def started(self) -> None:
        """The scanner is being opened."""

    @_machine.state()
    def processing(self) -> None:
        """Scanning or sending, or between two images."""

    @_machine.state()
    def canceling(self) -> None:
        """Cancelled; the scanner is being given back."""

    @_machine.state()
    def aborting(self) -> None:
        """Given up; the scanner is being given back."""

    @_machine.state()
    def completed(self) -> None:
        """All images are sent."""

    @_machine.state()
    def canceled(self) -> None:
        """Ended by a person or a client."""

    @_machine.state()
    def aborted(self) -> None:
        """Ended by the device."""

    # -- inputs ----------------------------------------------------------------------------------

    @_machine.input()
    def queued(self) -> None:
        """The job has its number and its place."""

    @_machine.input()
    def granted(self) -> None:
        """The scanner is this job's now."""

    @_machine.input()
    def acquiring(self) -> None:
        """The scanner is open and is asked for an image."""

    @_machine.input()
    def finished(self) -> None:
        """The last image is sent, or there are no more."""

    @_machine.input()
    def cancelled(self) -> None:
        """Somebody who may do so cancelled the job."""

    @_machine.input()
    def given_up(self) -> None:
        """The device cannot or will not go on with the job."""

    @_machine.input()
    def released(self) -> None:
        """The scanner is given back."""

    # -- outputs ---------------------------------------------------------------------------------

    @_machine.output()
    def _enter_pending(self) -> None:
        self._entered(JobState.PENDING)

    @_machine.output()
    def _enter_started(self) -> None:
        self._entered(JobState.STARTED)

    @_machine.output()
    def _enter_processing(self) -> None:
        self._entered(JobState.PROCESSING)

    @_machine.output()
    def _enter_terminating(self) -> None:
        self._entered(JobState.TERMINATING)

    @_machine.output()
    def _enter_completed(self) -> None:
        self._entered(JobState.COMPLETED)

    @_machine.output()
    def _enter_canceled(self) -> None:
        self._entered(JobState.CANCELED)

    @_machine.output()
    def _enter_aborted(self) -> None:
        self._entered(JobState.ABORTED)

    # -- transitions -----------------------------------------------------------------------------

    creating.upon(queued, enter=pending, outputs=[_enter_pending])

    pending.upon(granted, enter=started, outputs=[_enter_started])
    pending.upon(cancelled, enter=canceling, outputs=[_enter_terminating])
    pending.upon(given_up, enter=aborted, outputs=[_enter_aborted])

    started.upon(acquiring, enter=processing, outputs=[_enter_processing])
    started.upon(cancelled, enter=canceling, outputs=[_enter_terminating])
    started.upon(given_up, enter=aborting, outputs=[_enter_terminating])

    processing.upon(finished, enter=completed, outputs=[_enter_completed])
    processing.upon(cancelled, enter=canceling, outputs=[_enter_terminating])
    processing.upon(given_up, enter=aborting, outputs=[_enter_terminating])

    canceling.upon(released, enter=canceled, outputs=[_enter_canceled])
    aborting.upon(released, enter=aborted, outputs=[_enter_aborted])
