"""What a failure makes of a job, and in which order client, job and status hear of it."""

from __future__ import annotations

import pytest

from bridge.errors import JobCancelled, NoImagesAvailable, NotPossibleNow
from bridge.scanner.model import InputSource
from tests.deferreds import failure_result_of, success_result_of
from tests.fakes.scripted_scanner import order
from tests.unit.jobs.story import Consumer, Story

ADF = InputSource.ADF


@pytest.mark.conformance(232)
@pytest.mark.parametrize("begun", [False, True])
def test_the_scanners_own_cancel_button(begun: bool) -> None:
    """A scan that ends as cancelled without anybody having asked the bridge is a cancel at the device."""
    story = Story()
    job = story.queue.create(order(ADF))
    asked = story.ask(job)
    session = story.scanner.session
    if begun:
        session.sink.image_started()
        delivered = success_result_of(asked).deliver(Consumer())
        session.fail("cancelled")
        failure_result_of(delivered, JobCancelled)
    else:
        session.fail("cancelled")
        failure_result_of(asked, JobCancelled)
    assert story.state(job) == "Canceled JobCanceledAtDevice 0"


def test_paper_that_runs_out_in_the_middle_of_an_image() -> None:
    """A feeder that says in mid-image that it is empty tears the image, whatever was scanned before: no good end."""
    story = Story()
    job = story.queue.create(order(ADF, images=0))
    asked = story.ask(job)
    story.scanner.session.page()
    story.take(asked)
    asked = story.ask(job)
    story.scanner.session.sink.image_started()
    delivered = success_result_of(asked).deliver(Consumer())
    story.scanner.session.fail("no-documents")
    failure_result_of(delivered, NoImagesAvailable)
    assert story.state(job) == "Aborted JobCompletedWithErrors 1"


def test_a_client_hears_last() -> None:
    """When the client is told of a jam, its job and the scanner's status show it already."""
    story = Story()
    job = story.queue.create(order(ADF))
    asked = story.ask(job)
    seen: list[str] = []
    asked.addErrback(lambda failure: seen.extend([story.state(job), story.scanner.status.state.value]) or failure)
    story.scanner.session.fail("jammed")
    failure_result_of(asked, NotPossibleNow)
    assert seen == ["Processing ScannerStopped 0", "Stopped"]
