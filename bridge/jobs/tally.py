"""How many jobs came to which end since the start, for whoever counts."""

from __future__ import annotations

from collections import Counter

from bridge.jobs.job import Job, JobObserver


class Tally(JobObserver):
    """Counts ended jobs by their last state, and the images that they digitised whole."""

    def __init__(self) -> None:
        self.jobs: Counter[str] = Counter()
        self.images = 0

    def job_ended(self, job: Job) -> None:
        """The job is over."""
        self.jobs[job.state.value] += 1
        self.images += job.scans_completed
