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
    Unwatch,
    Unwatched,
    Watch,
    WatchFailed,
    Watching,
    read_frame,
    write_frame,
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
)
FRAMES = [
    Describe("genesys:libusb:001:004", "flatbed scanner"),
    Watch("test:0", 500),
    Unwatch(),
    Open("test:0", REQUEST),
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
