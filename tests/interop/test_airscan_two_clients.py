"""Two people scan at the same time."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.interop.comparison import assert_same_page
from tests.interop.conftest import Originals
from tests.interop.daemon import Daemon
from tests.interop.scanimage import static_client

pytestmark = pytest.mark.interop


@pytest.mark.conformance(222, 241)
def test_two_clients_at_once_both_get_their_whole_page(
    slow_daemon: Daemon, originals: Originals, tmp_path: Path
) -> None:
    """A scan that is asked for while another is under way waits its turn, and each client gets its own page."""
    first, second = (static_client(tmp_path, slow_daemon.url) for _ in range(2))
    one = first.start("--mode", "Gray", "--resolution", "75")
    scanner = slow_daemon.wait_for(
        lambda scanner: any(job["state"] == "Processing" for job in scanner["active_jobs"])
    )
    worker = scanner["worker"]["pid"]
    # The scanner holds its breath until the second job is there: the two meet for certain.
    os.kill(worker, signal.SIGSTOP)
    try:
        other = second.start("--mode", "Color", "--resolution", "75")
        scanner = slow_daemon.wait_for(lambda scanner: len(scanner["active_jobs"]) == 2)
    finally:
        os.kill(worker, signal.SIGCONT)
    assert [job["state"] for job in scanner["active_jobs"]] == ["Processing", "Pending"]
    assert_same_page(first.page_of(one), originals("Gray", 75))
    assert_same_page(second.page_of(other), originals("Color", 75))
    scanner = slow_daemon.wait_for(lambda scanner: not scanner["active_jobs"])
    assert [job["state"] for job in scanner["history"][-2:]] == ["Completed", "Completed"]
    assert scanner["worker"]["restarts"] == 0
