"""Which options are buttons, what counts as a press, and what a look at them tells; with played devices and time."""

from __future__ import annotations

import pytest

from bridge.scanner.descriptors import Option, Value, from_json
from bridge.scanner.failure import ScanFailure
from bridge.scanner.protocol import ButtonPressed, Event, Status, Watching
from bridge.scanner.sensors import (
    DEBOUNCE_S,
    MAX_BUTTONS,
    MAX_FAILED_LOOKS,
    SIGN_OF_LIFE_S,
    Presses,
    SensorWatch,
    find_sensors,
)
from tests.fakes.dump_device import dumps, load

STANDARD = Option("standard", "group", "Scan Mode")
SENSORS = Option("sensors", "group", "Sensors")
BUTTONS = Option("", "group", "Buttons")


def sensor(name: str, kind: str = "bool") -> Option:
    """A read-only option."""
    return Option(name, kind, settable=False)


def buttons(*options: Option) -> list[str]:
    """The buttons among `options`."""
    return [option.name for option in find_sensors(options).buttons]


# -- which options are buttons -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "group", "options", "found"),
    [
        ("genesys", SENSORS, "scan file email copy page-loaded ocr power extra need-calibration",
         "scan file email copy ocr power extra"),
        ("fujitsu", SENSORS, "top-edge a3-paper b4-paper page-loaded omr-df cover-open card-loaded power-save email "
         "manual-feed scan function:int ink-low double-feed error-code:int skew-angle:int ink-remain:int density:int "
         "duplex", "email scan"),
        ("canon_dr", SENSORS, "start stop button-3 newfile countonly bypassmode counter:int adf-loaded card-loaded",
         "start stop button-3"),
        ("epjitsu", SENSORS, "scan page-loaded top-edge cover-open power-save", "scan"),
        ("hp5400", SENSORS, "scan web reprint email copy more-options cancel power-save copies-up copies-down color-bw "
         "color-bw-state copies-count:int", "scan web reprint email copy more-options cancel"),
        ("gt68xx", SENSORS, "need-calibration page-loaded", ""),
        ("rts8891", SENSORS, "button-copy button-scan button-fax", "button-copy button-scan button-fax"),
        ("pixma", BUTTONS, "button-1:int button-2:int original:int target:int scan-resolution:int document-type:int "
         "adf-status:int adf-orientation:int", "button-1 button-2"),
        ("plustek", BUTTONS, "button 0|button 1|button 2", "button 0|button 1|button 2"),
        ("artec_eplus48u", STANDARD, "button-state:int", "button-state"),
        ("hp5590", STANDARD, "button-pressed:string", "button-pressed"),
    ],
)  # fmt: skip
def test_buttons_of_backends(backend: str, group: Option, options: str, found: str) -> None:
    """Buttons are found by name and group; sensors, counters and what a panel is set to are none."""
    separator = "|" if "|" in options else " "
    given = []
    for word in options.split(separator):
        name, _, kind = word.partition(":")
        given.append(sensor(name, kind or "bool"))
    assert buttons(group, *given) == [name for name in found.split(separator) if name], backend


@pytest.mark.parametrize("name", dumps())
def test_buttons_in_dumps(name: str) -> None:
    """In the dumps of whole scanners the buttons are found, and nothing else is taken for one."""
    options = [from_json(words) for words in load(name)["options"]]
    found = {"canon-lide-110": ["scan", "file", "email", "copy"], "hp-scanjet-5590": ["button-pressed"]}
    assert buttons(*options) == found.get(name, [])


def test_only_what_can_be_read_and_not_set_is_a_button() -> None:
    """An option called scan that can be set, cannot be read, is inactive or is a table is no button."""
    assert buttons(SENSORS, sensor("scan")) == ["scan"]
    assert buttons(SENSORS, Option("scan", "bool")) == []
    assert buttons(SENSORS, Option("scan", "bool", settable=False, readable=False)) == []
    assert buttons(SENSORS, Option("scan", "bool", settable=False, active=False)) == []
    assert buttons(SENSORS, Option("scan", "int", settable=False, size=16)) == []
    assert buttons(SENSORS, Option("scan", "button", settable=False)) == []


def test_unknown_names_count_in_their_group_only() -> None:
    """A read-only flag without a known name is a button below Sensors or Buttons, and nowhere else; a number never."""
    assert buttons(BUTTONS, sensor("sparkle")) == ["sparkle"]
    assert buttons(STANDARD, sensor("sparkle")) == []
    assert buttons(BUTTONS, STANDARD, sensor("sparkle")) == []
    assert buttons(BUTTONS, sensor("sparkle", "int")) == []
    assert buttons(STANDARD, sensor("scan", "int")) == ["scan"]


def test_names_of_buttons_are_bounded() -> None:
    """Names without end, without a letter or with control characters are no buttons; nobody has hundreds of them."""
    assert buttons(BUTTONS, sensor(""), sensor("x" * 65), sensor("scan\n")) == []
    assert len(buttons(BUTTONS, *(sensor(f"button {number}") for number in range(100)))) == MAX_BUTTONS


def test_the_paper_sensor() -> None:
    """page-loaded tells of paper; adf-loaded or doc-in-adf does where there is no other."""
    both = find_sensors([SENSORS, sensor("adf-loaded"), sensor("scan"), sensor("page-loaded")])
    assert both.paper is not None
    assert both.paper.name == "page-loaded"
    assert [option.name for option in both.buttons] == ["scan"]
    other = find_sensors([SENSORS, sensor("scan"), sensor("adf-loaded")]).paper
    assert other is not None
    assert other.name == "adf-loaded"
    hp5590 = find_sensors([sensor("button-pressed"), sensor("doc-in-adf")]).paper
    assert hp5590 is not None
    assert hp5590.name == "doc-in-adf"
    assert find_sensors([SENSORS, sensor("scan")]).paper is None


# -- what counts as a press ----------------------------------------------------------------------


class Time:
    """Monotonic time moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def pressed(*values: Value, step: float = 10.0) -> list[str]:
    """The presses that come of these values of `scan`, `step` seconds from one to the next."""
    time = Time()
    presses = Presses(time)
    found = []
    for value in values:
        button = presses.seen("scan", value)
        if button is not None:
            found.append(button)
        time.now += step
    return found


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ((0, 0, 0), 0),
        ((0, 1), 1),
        ((0, 1, 1, 1), 1),
        ((0, 1, 0), 1),
        ((0, 1, 0, 1), 2),
        ((1, 1), 0),
        ((1, 0, 1), 1),
        ((0, 5, 7, 7, 0), 2),
    ],
)
def test_a_press_is_a_change_to_something(values: tuple[int, ...], count: int) -> None:
    """A button counts when it comes to hold something; what it holds at the first look does not count."""
    assert pressed(*values) == ["scan"] * count


def test_an_option_that_names_the_button() -> None:
    """A text is the name of the pressed button; none and nothing are no button."""
    assert pressed("none", "email", "email", "none", "scan", "", "0") == ["email", "scan"]
    assert pressed("email", "none") == []


def test_a_bouncing_button_is_pressed_once() -> None:
    """Within the debounce time a button counts once; afterwards again; another button is not held up by it."""
    assert pressed(0, 1, 0, 1, 0, 1, step=DEBOUNCE_S / 5) == ["scan"]
    assert pressed(0, 1, 0, 1, step=DEBOUNCE_S / 2) == ["scan", "scan"]
    presses = Presses(Time())
    for name in ("scan", "copy"):
        presses.seen(name, 0)
    assert [presses.seen(name, 1) for name in ("scan", "copy")] == ["scan", "copy"]


# -- a look --------------------------------------------------------------------------------------


class Device:
    """An open device whose sensors hold `values`; a ScanFailure among them is raised."""

    def __init__(self, **values: Value | ScanFailure) -> None:
        self.values = dict(values)
        self.looks: list[str] = []

    def listed_options(self) -> list[Option]:
        return [SENSORS, *(sensor(name.replace("_", "-")) for name in self.values)]

    def look(self, option: Option) -> Value:
        self.looks.append(option.name)
        value = self.values[option.name.replace("-", "_")]
        if isinstance(value, ScanFailure):
            raise value
        return value


class Bench:
    """A watch of a device, the time, and what it tells."""

    def __init__(self, **values: Value | ScanFailure) -> None:
        self.device = Device(**values)
        self.time = Time()
        self._told: list[Event] = []
        self.watch = SensorWatch(self.device, self._told.append, self.time)

    def look(self, **values: Value | ScanFailure) -> list[Event]:
        """What a look tells, half a second after the last one, when the sensors hold `values`."""
        self.device.values.update(values)
        self.time.now += 0.5
        self.watch.look()
        told, self._told[:] = self._told[:], []
        return told


def test_a_look_reads_every_sensor_once() -> None:
    """All sensors are read in one pass: some devices give each change to the first reader alone."""
    bench = Bench(scan=0, page_loaded=0, copy=0)
    bench.look()
    assert sorted(bench.device.looks) == ["copy", "page-loaded", "scan"]


def test_watching_and_presses() -> None:
    """The first look tells what is watched, later ones tell of presses, and silence means that nothing happened."""
    bench = Bench(scan=0, copy=0)
    assert bench.look() == [Watching(("scan", "copy"), None)]
    assert bench.look() == []
    assert bench.look(copy=1) == [ButtonPressed("copy")]
    assert bench.look(copy=0, scan=1) == [ButtonPressed("scan")]
    assert bench.look() == []


def test_paper_is_told_before_the_press() -> None:
    """Somebody puts paper in and presses at once: the press comes after the word of the paper."""
    bench = Bench(scan=0, page_loaded=0)
    assert bench.look() == [Watching(("scan",), False)]
    assert bench.look(scan=1, page_loaded=1) == [Watching(("scan",), True), ButtonPressed("scan")]
    assert bench.look(scan=0) == []


def test_a_sign_of_life() -> None:
    """A worker that watches says so again after some time, however little happens."""
    bench = Bench(scan=0)
    told = [bench.look() for _ in range(1 + int(SIGN_OF_LIFE_S / 0.5))]
    assert [len(events) for events in told] == [1, *[0] * (len(told) - 2), 1]


def test_a_device_that_fails_a_look_is_looked_at_again() -> None:
    """A look that fails tells nothing; only several in a row end the watch, with the device's own words."""
    bench = Bench(scan=0)
    bench.look()
    broken = ScanFailure(Status.IO_ERROR, "broken")
    for _ in range(MAX_FAILED_LOOKS - 1):
        assert bench.look(scan=broken) == []
    assert bench.look(scan=1) == [ButtonPressed("scan")]
    for _ in range(MAX_FAILED_LOOKS - 1):
        assert bench.look(scan=broken) == []
    with pytest.raises(ScanFailure, match="broken"):
        bench.look()


def test_a_device_without_buttons_cannot_be_watched() -> None:
    """A scanner with a paper sensor alone has no buttons."""
    with pytest.raises(ScanFailure) as caught:
        Bench(page_loaded=0)
    assert caught.value.status is Status.UNSUPPORTED
