"""The frames between daemon and worker."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.scanner.model import (
    Capabilities,
    ColorMode,
    Device,
    Format,
    InputSource,
    Region,
    Resolution,
    ScanRequest,
    Size,
    SourceCapabilities,
)
from bridge.scanner.protocol import (
    MAX_FRAME,
    MAX_MESSAGE,
    ButtonPressed,
    Cancel,
    Close,
    Closed,
    Command,
    Describe,
    Described,
    Event,
    Failed,
    FrameError,
    ImageDone,
    ImageStarted,
    Listed,
    Open,
    Opened,
    PageScanned,
    Progress,
    Ready,
    StartImage,
    Status,
    Trouble,
    Unwatch,
    Unwatched,
    Watch,
    WatchFailed,
    Watching,
    read_frame,
    write_frame,
)
from bridge.scanner.quirks import (
    MAX_BUTTONS,
    MAX_SETTINGS,
    ButtonMeaning,
    Offset,
    OptionValue,
    Quirks,
    SourceQuirk,
)

SIDE = SourceCapabilities(
    Resolution(600, 1200), (75, 300), (ColorMode.RGB_24, ColorMode.GRAYSCALE_8), Size(1, 2), Size(8500, 11700)
)
REQUEST = ScanRequest(
    InputSource.ADF_DUPLEX,
    ColorMode.GRAYSCALE_8,
    Format.PDF_A,
    Resolution(300, 600),
    Region(1, 2, 3, 4),
    5,
    6,
    quality=7,
    brightness=-8,
    contrast=9,
    images=0,
    media=Size(8268, 11693),
)
QUIRKS = Quirks(
    platen=SourceQuirk((OptionValue("source", "FB"), OptionValue("lamp", True))),
    adf=SourceQuirk(there=False),
    adf_duplex=SourceQuirk((OptionValue("sides", 2), OptionValue("speed", 0.5))),
    page_sensor=False,
    empty_means=("jammed", "io-error"),
    feeder_offset_mm=Offset(-1.5, 2.0),
    gamma=1.8,
    white_level=230,
    backs_turned=True,
    backs_last=True,
    survives_cancel=False,
    start_timeout_s=120,
    buttons=(ButtonMeaning("button-1", "email"),),
)
FRAMES = [
    Describe("genesys:libusb:001:004", "flatbed scanner"),
    Describe("a", "b", QUIRKS),
    Watch("test:0", 500),
    Unwatch(),
    Open("test:0", REQUEST),
    Open("test:0", replace(REQUEST, media=None), QUIRKS, 0),
    StartImage(),
    Cancel(),
    Close(),
    Ready(),
    Listed((Device("a", "b", "c"), Device("d", "e", "f", "g", "04a9:1909", "h", "1-1.2"))),
    Listed(()),
    Described(Capabilities((Format.EXIF,), SIDE, None, None, True, False)),
    Described(Capabilities((), None, SIDE, replace(SIDE, colors=()))),
    Watching(("scan", "email"), True),
    Watching((), None),
    ButtonPressed("button 1"),
    WatchFailed(Status.DEVICE_BUSY, "in use"),
    Unwatched(),
    Opened("mode=Color"),
    ImageStarted(),
    Progress(17),
    PageScanned(3508),
    ImageDone(2**40),
    ImageDone(7, Trouble(Status.JAMMED, "Paper is jammed.")),
    Failed(Status.JAMMED, "Papier gestaut – öffnen\n"),
    Closed(),
]


def test_every_kind_of_frame_is_among_the_examples() -> None:
    """The list below leaves out no frame of the protocol."""
    assert {type(frame) for frame in FRAMES} == set(get_args(Command) + get_args(Event))


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_a_frame_survives_the_pipe(frame: Any) -> None:
    """What is written is one line, and what is read of it is equal."""
    line = write_frame(frame)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert read_frame(line) == frame


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_a_frame_error(line: bytes) -> None:
    """Garbage raises FrameError and nothing else."""
    try:
        read_frame(line)
    except FrameError:
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(list(Status)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(frame=st.sampled_from(FRAMES), data=st.data())
def test_a_frame_with_wrong_fields_is_refused(frame: Any, data: st.DataObject) -> None:
    """A frame whose field holds anything else is read with the very same types, or raises FrameError."""
    words = json.loads(write_frame(frame))
    name = data.draw(st.sampled_from(sorted(words)))
    words[name] = data.draw(JSON)
    try:
        found = read_frame(json.dumps(words).encode())
    except FrameError:
        return
    assert read_frame(write_frame(found)) == found


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b'{"frame":"Nonsense"}', "an unknown frame"),
        (b'{"frame":["Ready"]}', "an unknown frame"),
        (b"{}", "an unknown frame"),
        (b'{"frame":"Ready","more":1}', "expected the fields"),
        (b'{"frame":"Progress"}', "expected the fields"),
        (b'{"frame":"Progress","lines":true}', "expected int"),
        (b'{"frame":"Progress","lines":1.0}', "expected int"),
        (b'{"frame":"Failed","status":"unheard-of","message":""}', "no Status"),
        (b'{"frame":"Failed","status":["jammed"],"message":""}', "no Status"),
        (b'{"frame":"Listed","devices":{}}', "expected a list"),
        (b'{"frame":"Listed","devices":["x"]}', "expected an object"),
        (b'{"frame":"Opened","settings":"' + b"x" * (MAX_MESSAGE + 1) + b'"}', "1001 characters"),
        (b"[" * 60000, "not JSON"),
        (b" " * (MAX_FRAME + 1), "at most 65536"),
        (b"9" * 10000, "not"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_reasons_are_told(line: bytes, reason: str) -> None:
    """A refusal says what was wrong, for the log."""
    with pytest.raises(FrameError, match=reason):
        read_frame(line)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gamma", 0.0),
        ("gamma", -1.0),
        ("gamma", 1000.0),
        ("gamma", float("nan")),
        ("gamma", float("inf")),
        ("gamma", "2"),
        ("gamma", True),
        ("white_level", 0),
        ("white_level", 256),
        ("start_timeout_s", -1),
        ("start_timeout_s", 10**9),
        ("empty_means", ["no-documents"]),
        ("empty_means", ["jammed"] * 100),
        ("platen_offset_mm", {"x_mm": 1e9, "y_mm": 0.0}),
        ("platen_offset_mm", {"x_mm": float("nan"), "y_mm": 0.0}),
        ("platen", {"settings": [{"name": "source", "value": None}], "there": True}),
        ("platen", {"settings": [{"name": "source", "value": float("inf")}], "there": True}),
        ("platen", {"settings": [{"name": "", "value": 1}], "there": True}),
        ("platen", {"settings": [{"name": "a\nb", "value": 1}], "there": True}),
        ("platen", {"settings": [{"name": "source", "value": "x" * 129}], "there": True}),
        ("platen", {"settings": [{"name": "source", "value": 1}] * (MAX_SETTINGS + 1), "there": True}),
        ("buttons", [{"name": "scan", "purpose": "coffee"}]),
        ("buttons", [{"name": "scan", "purpose": "scan"}] * (MAX_BUTTONS + 1)),
    ],
)
def test_quirks_beyond_their_limits_never_reach_the_worker(field: str, value: object) -> None:
    """A command whose quirks lie outside of their limits is no frame."""
    words = json.loads(write_frame(Open("test:0", REQUEST, QUIRKS)))
    words["quirks"][field] = value
    with pytest.raises(FrameError):
        read_frame(json.dumps(words).encode())


def test_the_largest_quirks_fit_into_a_frame() -> None:
    """However much is known of a scanner, its worker can be told."""
    source = SourceQuirk((OptionValue("\N{SNOWMAN}" * 64, "\N{SNOWMAN}" * 128),) * MAX_SETTINGS)
    buttons = (ButtonMeaning("\N{SNOWMAN}" * 64, "none"),) * MAX_BUTTONS
    quirks = replace(QUIRKS, platen=source, adf=source, adf_duplex=source, buttons=buttons)
    line = write_frame(Open("\N{SNOWMAN}" * 255, REQUEST, quirks))
    assert len(line) <= MAX_FRAME
    assert read_frame(line) == Open("\N{SNOWMAN}" * 255, REQUEST, quirks)
