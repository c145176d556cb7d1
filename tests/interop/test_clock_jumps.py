"""The clock on the wall jumps while the bridge works: a board without a battery hears of NTP, a computer wakes up.

The bridge, its workers and the client are processes; only their time of day is played (tests/clock). While a computer
sleeps, the kernel's monotonic clock stands still and the one on the wall goes on: for a program that wakes up that is
such a jump.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.chaos.fixtures import Chaos
from tests.chaos.order import Fault, Order
from tests.clock.wall_clock import WallClock
from tests.interop.daemon import Daemon
from tests.interop.push_scan import WaitingPc
from tests.interop.scanimage import static_client
from tests.interop.test_restart import probed

pytestmark = pytest.mark.interop

PAGE = ("--mode", "Gray", "--resolution", "75")


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


@pytest.fixture
def daemon(tmp_path: Path, clock: WallClock, chaos: Chaos) -> Daemon:
    """A bridge with a scanner that can be ordered to stop in mid-page."""
    return new_daemon(tmp_path, clock, chaos)


def new_daemon(tmp_path: Path, clock: WallClock, chaos: Chaos) -> Daemon:
    settings = {"scanner": {"virtual": "never", "sane_config_dir": chaos.config}, "log": {"level": "debug"}}
    return Daemon(tmp_path, settings, environment=clock.environment)


def created(daemon: Daemon) -> datetime:
    """When the newest job was created, by the bridge's clock."""
    return datetime.fromisoformat(daemon.scanner()["history"][-1]["created"])


@pytest.mark.parametrize("days", [3650, -7300, 0.4], ids=["ten years forward", "twenty years back", "a night's sleep"])
def test_a_jump_in_the_middle_of_everything(
    tmp_path: Path, daemon: Daemon, clock: WallClock, chaos: Chaos, days: float
) -> None:
    """A page under way arrives whole, subscriptions go on and hear what they would hear anyway, no worker is lost, the
    scanner is the same in the same life, and the next job bears the new time."""
    daemon.start()
    before = probed(daemon.status()["http_port"])
    restarts = daemon.scanner()["worker"]["restarts"]
    with WaitingPc(daemon.url) as pc:
        pc.subscribe()
        client = static_client(tmp_path, daemon.url)
        first = client.page(*PAGE)
        wait_for_idle(daemon)
        chaos.order(Order(faults=[Fault("read", "hold", line=100)]))
        scan = client.start(*PAGE)
        wait_for_hold(daemon, chaos)
        clock.jump(days=days)
        # Everything that was due by the wrong clock would happen here: two turns of the reactor.
        assert len(daemon.status()["subscriptions"]) == 2
        assert daemon.scanner()["state"] == "Processing"
        chaos.order(Order())
        assert (client.page_of(scan) == first).all()
        wait_for_idle(daemon)
        assert (client.page(*PAGE) == first).all()
        wait_for_idle(daemon)
        daemon.wait_for(lambda scanner: len(scanner["history"]) == 3)
        expected = datetime.now(UTC) + timedelta(days=days)
        assert abs(created(daemon) - expected) < timedelta(hours=1)
        assert len(daemon.status()["subscriptions"]) == 2
        # Two subscriptions are served side by side, so what each of them hears is waited for in turn.
        heard = [pc.next_event("ScannerStatusSummaryEvent") for _ in range(6)]
        assert [event.findtext(".//{*}ScannerState") for event in heard] == ["Processing", "Idle"] * 3
        assert pc.no_more_events()
        daemon.command("button")
        pc.press()
    after = probed(daemon.status()["http_port"])
    assert (after.address, after.instance_id, after.metadata_version) == (
        *(before.address, before.instance_id, before.metadata_version),
    )
    assert daemon.scanner()["worker"]["restarts"] == restarts
    assert [job["state"] for job in daemon.scanner()["history"]] == ["Completed"] * 3
    daemon.stop()


@pytest.mark.conformance(51, 54)
def test_a_restart_in_the_past(tmp_path: Path, daemon: Daemon, clock: WallClock, chaos: Chaos) -> None:
    """A board that starts before its clock is set is the same scanner, started later than ever before."""
    matches = []
    for days in (0, -7300, 20000):
        clock.jump(days=days)
        daemon = new_daemon(tmp_path, clock, chaos)
        daemon.start()
        matches.append(probed(daemon.status()["http_port"]))
        daemon.stop()
    assert len({match.address for match in matches}) == 1
    assert matches[0].instance_id < matches[1].instance_id < matches[2].instance_id


def test_a_scanner_that_stopped_answering_while_nobody_used_it(
    tmp_path: Path, daemon: Daemon, clock: WallClock, chaos: Chaos
) -> None:
    """Switched off or fast asleep after the night: the job that finds out fails with the truth, the scanner stays on
    the network as Stopped, and the next job after it woke up is a page."""
    daemon.start()
    before = probed(daemon.status()["http_port"])
    client = static_client(tmp_path, daemon.url)
    clock.jump(hours=9)
    chaos.order(Order(faults=[Fault("open", "status", 9)]))
    assert client.start(*PAGE).end().status != 0
    scanner = daemon.wait_for(lambda scanner: scanner["history"])
    assert (scanner["state"], scanner["reasons"]) == ("Stopped", ["AttentionRequired"])
    assert (scanner["history"][-1]["state"], scanner["history"][-1]["reasons"]) == ("Aborted", ["ScannerStopped"])
    chaos.order(Order())
    client.page(*PAGE)
    assert daemon.wait_for(lambda scanner: scanner["state"] == "Idle")["uuid"] == scanner["uuid"]
    assert probed(daemon.status()["http_port"]) == before
    daemon.stop()


def wait_for_idle(daemon: Daemon) -> None:
    """Return when the scanner is given back: a job that comes before goes on where the last one ended, without Idle."""
    daemon.wait_for(lambda scanner: scanner["state"] == "Idle")


def wait_for_hold(daemon: Daemon, chaos: Chaos) -> None:
    """Return when the backend stands still in mid-page."""
    daemon.wait_for(lambda _scanner: "hold" in chaos.calls)
