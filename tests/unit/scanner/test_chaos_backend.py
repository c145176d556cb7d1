"""The chaos backend does what it is ordered, seen through plain `scanimage`: what other tests rely on."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.chaos import picture
from tests.chaos.fixtures import DEVICE, Chaos
from tests.chaos.order import ONCE, STATUSES, Fault, Order, Sensor
from tests.unit.scanner.sane_process import HANG_GUARD_S, run

WIDTH = HEIGHT = 148
"""Pixels of 50 mm at 75 dpi."""

REGION = ("-l", "0", "-t", "0", "-x", "50", "-y", "50")


def command(*words: str, region: tuple[str, ...] = REGION) -> list[str]:
    """A call of scanimage for 50 x 50 mm at 75 dpi as PNM."""
    return ["scanimage", "-d", DEVICE, "--format=pnm", *words, "--resolution", "75", *region]


def scanimage(chaos: Chaos, *words: str, region: tuple[str, ...] = REGION) -> subprocess.CompletedProcess[bytes]:
    """What scanimage did."""
    return subprocess.run(
        command(*words, region=region), env=surroundings(chaos), capture_output=True, timeout=HANG_GUARD_S, check=False
    )


def surroundings(chaos: Chaos) -> dict[str, str]:
    """The environment of a process that sees the scanner."""
    return {**os.environ, "SANE_CONFIG_DIR": chaos.config, "LC_ALL": "C"}


def listing(chaos: Chaos) -> str:
    """What scanimage lists."""
    words = ["scanimage", "-f", "%d|%v|%m|%t%n"]
    done = subprocess.run(words, env=surroundings(chaos), capture_output=True, timeout=HANG_GUARD_S, check=False)
    return done.stdout.decode()


def image(done: subprocess.CompletedProcess[bytes]) -> Image.Image:
    """The image that scanimage delivered."""
    assert done.returncode == 0, done.stderr
    return Image.open(io.BytesIO(done.stdout))


def batch(chaos: Chaos, folder: Path, source: str, count: int = 0) -> tuple[list[int], int]:
    """The pages that a batch from `source` brings, as numbers of the picture, and scanimage's status."""
    words = [f"--batch={folder}/%03d.pnm", "--source", source, *([f"--batch-count={count}"] if count else [])]
    done = scanimage(chaos, *words)
    return [picture.which_page(Image.open(path)) for path in sorted(folder.glob("*.pnm"))], done.returncode


class Running:
    """scanimage under way; ended with the test."""

    def __init__(self, chaos: Chaos, *words: str) -> None:
        self.process = subprocess.Popen(
            command(*words), env=surroundings(chaos), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def status_line(self, name: str) -> str:
        """A line of the kernel's report on the process."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith(f"{name}:"))


def wait_for(condition: Callable[[], bool]) -> None:
    """Look again until `condition` holds; fails after HANG_GUARD_S."""
    never = threading.Event()
    for _ in range(HANG_GUARD_S * 200):
        if condition():
            return
        never.wait(0.005)
    raise AssertionError("waited in vain")


# -- what the scanner is -------------------------------------------------------------------------


def test_it_is_listed_as_ordered(chaos: Chaos) -> None:
    """As many scanners are listed as the order says, none when it says none, and then none can be opened."""
    chaos.order(Order(devices=2))
    assert listing(chaos) == "chaos:0|Chaos|Scanner|virtual device\nchaos:1|Chaos|Scanner|virtual device\n"
    chaos.order(Order(devices=0))
    assert listing(chaos) == ""
    gone = scanimage(chaos)
    assert gone.returncode != 0
    assert b"Invalid argument" in gone.stderr


@pytest.mark.parametrize(
    ("mode", "drawn"), [("Color", picture.color), ("Gray", picture.gray), ("Lineart", picture.lineart)]
)
@pytest.mark.parametrize(("left", "top"), [(0, 0), (59, 30)])
def test_every_pixel_is_known(
    chaos: Chaos, mode: str, drawn: Callable[..., Image.Image], left: int, top: int
) -> None:
    """In each mode, and wherever the region lies, the pixels are those of the picture at that place of the bed."""
    corner = ("-l", str(left * 25.4 / 75), "-t", str(top * 25.4 / 75), "-x", "50", "-y", "50")
    seen = image(scanimage(chaos, "--mode", mode, region=corner))
    assert seen.mode == {"Color": "RGB", "Gray": "L", "Lineart": "1"}[mode]
    assert seen.size == (WIDTH, HEIGHT)
    assert seen.tobytes() == drawn(picture.GLASS, WIDTH, HEIGHT, left, top).tobytes()


def test_sixteen_bits(chaos: Chaos) -> None:
    """With 16 bits the low byte is part of the picture as well; PNM has the high byte first."""
    done = scanimage(chaos, "--mode", "Color", "--depth", "16")
    native = picture.deep_color(picture.GLASS, WIDTH, HEIGHT)
    swapped = b"".join(native[at + 1 : at + 2] + native[at : at + 1] for at in range(0, len(native), 2))
    assert done.stdout.endswith(swapped)
    assert b"65535" in done.stdout[:100]


@pytest.mark.parametrize(
    ("source", "pages"),
    [("ADF", [picture.front(1), picture.front(2), picture.front(3)]), ("ADF Duplex", [1, 2, 3, 4, 5, 6])],
)
def test_a_stack_of_sheets(chaos: Chaos, tmp_path: Path, source: str, pages: list[int]) -> None:
    """The feeder brings each sheet's front, for duplex then its back, and then the start fails."""
    assert batch(chaos, tmp_path, source) == (pages, 0)
    assert chaos.calls.count("start") == len(pages) + 1


def test_a_batch_may_end_with_a_front(chaos: Chaos, tmp_path: Path) -> None:
    """An odd number of sides is the front of the last sheet; scanimage gives its back away."""
    assert batch(chaos, tmp_path, "ADF Duplex", 3) == ([1, 2, 3], 0)


def test_an_empty_feeder(chaos: Chaos) -> None:
    """Without sheets the first start says so, and the glass still works."""
    chaos.order(Order(sheets=0))
    assert scanimage(chaos, "--source", "ADF").returncode == STATUSES.index("NO_DOCS")
    assert scanimage(chaos, "--source", "Flatbed").returncode == 0


def test_one_program_at_a_time(chaos: Chaos) -> None:
    """While one process has the device, another one's open is refused as busy; afterwards it is free."""
    chaos.order(Order(faults=[Fault("start", "hang")]))
    with Running(chaos):
        wait_for(lambda: "start" in chaos.calls)
        refused = scanimage(chaos)
        assert refused.returncode != 0
        assert b"Device busy" in refused.stderr
    chaos.order(Order())
    assert scanimage(chaos).returncode == 0


def test_calls_are_written_down(chaos: Chaos) -> None:
    """The calls that take, start, stop and give back the device can be read afterwards."""
    scanimage(chaos)
    assert chaos.calls == ["open", "start", "cancel", "close", "exit"]


# -- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, len(STATUSES)), ids=STATUSES[1:])
def test_any_status_at_the_start(chaos: Chaos, number: int) -> None:
    """sane_start returns the status that was ordered, and scanimage ends with its number."""
    chaos.order(Order(faults=[Fault("start", "status", number)]))
    done = scanimage(chaos)
    assert done.returncode == number
    assert done.stdout == b""


@pytest.mark.parametrize("number", range(2, len(STATUSES)), ids=STATUSES[2:])
def test_any_status_in_mid_page(chaos: Chaos, number: int) -> None:
    """sane_read returns the status behind the line that was ordered; only an end of file is no failure."""
    chaos.order(Order(faults=[Fault("read", "status", number, line=20)]))
    done = scanimage(chaos, "--mode", "Gray")
    assert done.returncode == (0 if STATUSES[number] == "EOF" else number)
    assert b"sane_read" in done.stderr or STATUSES[number] == "EOF"
    assert len(done.stdout) < WIDTH * HEIGHT


def test_a_page_that_ends_early_has_its_lines(chaos: Chaos) -> None:
    """All lines before the fault are delivered."""
    chaos.order(Order(faults=[Fault("read", "status", STATUSES.index("EOF"), line=20)]))
    done = scanimage(chaos, "--mode", "Gray")
    drawn = picture.gray(picture.GLASS, WIDTH, 20).tobytes()
    assert done.stdout.endswith(drawn)


def test_a_fault_of_one_page(chaos: Chaos, tmp_path: Path) -> None:
    """A fault with a page number leaves the other pages alone."""
    chaos.order(Order(faults=[Fault("read", "status", STATUSES.index("JAMMED"), page=2, line=50)]))
    done = scanimage(chaos, f"--batch={tmp_path}/%d.pnm", "--source", "ADF")
    assert done.returncode == STATUSES.index("JAMMED")
    assert picture.which_page(Image.open(tmp_path / "1.pnm")) == picture.front(1)
    assert not (tmp_path / "2.pnm").exists()


@pytest.mark.parametrize("moment", ["list", "open", "option", "start", "read", "cancel", "close", "exit"])
@pytest.mark.parametrize(("action", "number"), [("crash", signal.SIGSEGV), ("abort", signal.SIGABRT)])
def test_a_crash_at_any_moment(chaos: Chaos, moment: str, action: str, number: signal.Signals) -> None:
    """The process dies in the call that was ordered."""
    chaos.order(Order(faults=[Fault(moment, action)]))
    if moment == "list":
        words = ["scanimage", "-L"]
        done = subprocess.run(words, env=surroundings(chaos), capture_output=True, timeout=HANG_GUARD_S, check=False)
    else:
        done = scanimage(chaos, "--mode", "Gray")
    assert done.returncode == -number


@pytest.mark.parametrize("moment", ["list", "option", "open"])
def test_a_status_where_no_page_is_scanned(chaos: Chaos, moment: str) -> None:
    """Listing, opening and setting an option fail with the status that was ordered."""
    chaos.order(Order(faults=[Fault(moment, "status", STATUSES.index("ACCESS_DENIED"))]))
    if moment == "list":
        assert listing(chaos) == ""
    else:
        assert b"Access to resource has been denied" in scanimage(chaos, "--mode", "Gray").stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGUSR1, signal.SIGSEGV], ids=lambda number: number.name)
def test_any_signal_ends_the_process(chaos: Chaos, number: signal.Signals) -> None:
    """The process gets the signal that was ordered."""
    chaos.order(Order(faults=[Fault("read", "signal", number, line=10)]))
    assert scanimage(chaos).returncode == -number


def test_a_backend_that_ends_the_process(chaos: Chaos) -> None:
    """The process ends with the status that was ordered, as if it had wanted to."""
    chaos.order(Order(faults=[Fault("start", "leave", 3)]))
    assert scanimage(chaos).returncode == 3


def test_a_frozen_process(chaos: Chaos) -> None:
    """The whole process stands still until somebody lets it go on; SIGKILL ends it all the same."""
    chaos.order(Order(faults=[Fault("read", "freeze", line=10)]))
    with Running(chaos) as running:
        wait_for(lambda: "freeze" in chaos.calls and running.status_line("State").startswith("T"))
        running.process.kill()
        assert running.process.wait(HANG_GUARD_S) == -signal.SIGKILL


def test_a_greedy_backend_takes_what_there_is(chaos: Chaos) -> None:
    """Up to the process's limit memory is taken, then the backend says that there is none."""
    chaos.order(Order(faults=[Fault("start", "greed")]))
    words = ["prlimit", "--data=150000000", *command()]
    done = subprocess.run(words, env=surroundings(chaos), capture_output=True, timeout=HANG_GUARD_S, check=False)
    assert done.returncode == STATUSES.index("NO_MEM")


def test_a_fault_that_comes_once(chaos: Chaos) -> None:
    """A fault that is to come once comes to the first process that meets it, and again with the next order."""
    for _ in range(2):
        chaos.order(Order(faults=[Fault("start", "leave", 3, page=ONCE)]))
        assert [scanimage(chaos).returncode for _ in range(3)] == [3, 0, 0]


def test_a_page_without_end(chaos: Chaos) -> None:
    """No data comes, and no end; a cancel ends it."""
    chaos.order(Order(faults=[Fault("read", "nothing", line=10)]))
    with Running(chaos) as running:
        wait_for(lambda: chaos.calls.count("nothing") > 10)
        assert running.process.poll() is None
        running.process.send_signal(signal.SIGINT)
        running.process.wait(HANG_GUARD_S)
        assert "cancel" in chaos.calls


def test_a_page_that_ends_in_half_a_line(chaos: Chaos) -> None:
    """Half a line is delivered behind the whole ones, then the page ends."""
    chaos.order(Order(faults=[Fault("read", "torn", line=20)]))
    done = scanimage(chaos, "--mode", "Gray")
    whole = picture.gray(picture.GLASS, WIDTH, 20).tobytes()
    assert done.stdout.endswith(whole + bytes(WIDTH // 2))


def test_half_a_line_for_another_reader(chaos: Chaos) -> None:
    """The beginning of a line is written where it was ordered, and scanning goes on."""
    chaos.order(Order(faults=[Fault("start", "stammer", 2)]))
    done = scanimage(chaos)
    assert done.returncode == 0
    assert b'{"frame":"Prog' in done.stderr


def test_a_hang_ends_with_the_process(chaos: Chaos) -> None:
    """A hanging call does not come back, and SIGTERM ends the process."""
    chaos.order(Order(faults=[Fault("open", "hang")]))
    with Running(chaos) as running:
        wait_for(lambda: "hang" in chaos.calls)
        assert running.process.poll() is None
        running.process.terminate()
        running.process.wait(HANG_GUARD_S)


def test_a_deaf_backend_needs_sigkill(chaos: Chaos) -> None:
    """A deaf call ignores SIGTERM."""
    chaos.order(Order(faults=[Fault("read", "deaf", line=10)]))
    with Running(chaos) as running:
        wait_for(lambda: "deaf" in chaos.calls)
        ignored = int(running.status_line("SigIgn"), 16)
        assert ignored & 1 << (signal.SIGTERM - 1)
        running.process.kill()
        assert running.process.wait(HANG_GUARD_S) == -signal.SIGKILL


def test_a_stalled_read_ends_with_a_cancel(chaos: Chaos) -> None:
    """A stalled read waits for sane_cancel, which scanimage calls on SIGINT, and ends as cancelled."""
    chaos.order(Order(faults=[Fault("read", "stall", line=10)]))
    with Running(chaos) as running:
        wait_for(lambda: "stall" in chaos.calls)
        assert "cancel" not in chaos.calls
        running.process.send_signal(signal.SIGINT)
        running.process.wait(HANG_GUARD_S)
        assert "cancel" in chaos.calls


def test_a_held_scanner_goes_on_with_the_next_order(chaos: Chaos) -> None:
    """A call on hold waits for a new order and then does what that one says."""
    chaos.order(Order(faults=[Fault("read", "hold", line=10)]))
    with Running(chaos) as running:
        wait_for(lambda: "hold" in chaos.calls)
        assert running.process.poll() is None
        chaos.order(Order(faults=[Fault("read", "status", STATUSES.index("JAMMED"), line=10)]))
        assert running.process.wait(HANG_GUARD_S) == STATUSES.index("JAMMED")


def test_a_slow_scanner(chaos: Chaos) -> None:
    """Each line from the ordered one on takes its time, and the page is whole."""
    chaos.order(Order(faults=[Fault("read", "slow", 5, line=HEIGHT - 40)]))
    began = time.monotonic()
    seen = image(scanimage(chaos, "--mode", "Gray"))
    assert time.monotonic() - began >= 40 * 0.005
    assert seen.tobytes() == picture.gray(picture.GLASS, WIDTH, HEIGHT).tobytes()


def test_a_backend_that_grows(chaos: Chaos) -> None:
    """Memory is really taken, once for each time that it was ordered."""

    code = (
        f"import resource, subprocess; subprocess.run({command()!r}, stdout=subprocess.DEVNULL, check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )

    def peak() -> int:
        return int(run(code, chaos.config))

    usual = peak()
    chaos.order(Order(faults=[Fault("start", "memory", 200)]))
    assert peak() - usual > 190 * 1024


def test_a_backend_that_writes_where_it_must_not(chaos: Chaos) -> None:
    """Rubbish goes to the descriptor that was ordered."""
    chaos.order(Order(faults=[Fault("read", "say", 1, line=0)]))
    assert b'\xff{"frame": rubbish}\n' in scanimage(chaos, "--mode", "Gray").stdout
    chaos.order(Order(faults=[Fault("open", "say", 2)]))
    assert b"rubbish" in scanimage(chaos, "--mode", "Gray").stderr


@pytest.mark.parametrize(
    ("field", "number", "said"),
    [
        ("lines", 5, b"size 148x153 pixels at 8 bits"),
        ("lines", -5, b"size 148x143 pixels at 8 bits"),
        ("unknown", 1, b"148 pixels wide and variable height"),
        ("pixels", 2, b"size 150x148 pixels at 8 bits"),
        ("depth", 4, b"size 148x148 pixels at 12 bits"),
        ("format", 1, b"acquiring RGB frame"),
    ],
)
def test_a_lie_about_the_page(chaos: Chaos, field: str, number: int, said: bytes) -> None:
    """What the scanner says of the page is what was ordered; scanimage tells what it was told."""
    chaos.order(Order(lies={field: number}))
    assert said in scanimage(chaos, "-v", "--mode", "Gray").stderr


def test_a_lie_does_not_change_the_page(chaos: Chaos) -> None:
    """The lines that come are the page's, whatever was said of it."""
    chaos.order(Order(lies={"lines": 5, "stride": 3}))
    assert scanimage(chaos, "--mode", "Gray").stdout.endswith(picture.gray(picture.GLASS, WIDTH, HEIGHT).tobytes())


def test_padded_lines(chaos: Chaos) -> None:
    """Padding is said and delivered: scanimage, which passes lines on as they come, has it in its file."""
    chaos.order(Order(padding=4))
    page = picture.gray(picture.GLASS, WIDTH, HEIGHT).tobytes()
    padded = b"".join(page[at : at + WIDTH] + bytes(4) for at in range(0, len(page), WIDTH))
    assert scanimage(chaos, "--mode", "Gray").stdout.endswith(padded)


# -- sensors -------------------------------------------------------------------------------------

READ_SENSORS = """
import sane
sane.init()
device = sane.open("chaos:0")
numbers = {row[1]: row[0] for row in device.dev.get_options()}
for name in "scan scan scan scan function button-pressed button-pressed".split():
    print(device.dev.get_option(numbers[name]))
"""


def test_sensors_are_read_only_options_of_their_group(chaos: Chaos) -> None:
    """Each sensor is an option that cannot be set, below the group Sensors, with its first value at the first look."""
    chaos.order(Order(sensors=[Sensor("scan", [True]), Sensor("function", [3]), Sensor("button-pressed", ["email"])]))
    told = scanimage(chaos, "-A").stdout.decode()
    _, _, below = told.partition("  Sensors:")
    assert "--scan[=(yes|no)] [yes] [hardware]" in below
    assert "--function <int> [3] [hardware]" in below
    assert "--button-pressed <string> [email] [hardware]" in below


def test_each_look_takes_the_next_value(chaos: Chaos) -> None:
    """Values wait in a queue, one for each look, and the last one stays."""
    pressed = Sensor("button-pressed", ["none", "scan"])
    chaos.order(Order(sensors=[Sensor("scan", [False, True, False]), Sensor("function", [7]), pressed]))
    assert run(READ_SENSORS, chaos.config).split() == ["0", "1", "0", "0", "7", "none", "scan"]


CHANGE_WHILE_OPEN = """
import sane
from pathlib import Path
from tests.chaos.order import Order, Sensor, write_order
sane.init()
device = sane.open("chaos:0")
numbers = {{row[1]: row[0] for row in device.dev.get_options()}}
print(device.dev.get_option(numbers["scan"]))
write_order(Path({folder!r}), Order(sensors=[Sensor("scan", [True])]))
print(device.dev.get_option(numbers["scan"]))
"""


def test_a_sensor_changes_under_an_open_device(chaos: Chaos) -> None:
    """An order that comes while the device is open shows at the next look: a finger on the button."""
    chaos.order(Order(sensors=[Sensor("scan", [False])]))
    assert run(CHANGE_WHILE_OPEN.format(folder=chaos.config), chaos.config).split() == ["0", "1"]
