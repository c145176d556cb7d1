"""The frames between the daemon and a worker process.

Commands go down the worker's standard input and events come back on descriptor 4, one JSON object a line. The
bytes of images have a pipe of their own, descriptor 3, so that a full pipe never holds up a word about it; the
event that ends an image says how many bytes belong to it. Standard output and error are log text.

Either side reads with `read_frame`, which trusts nothing: a backend that crashed may have written anything.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any, get_args, get_type_hints

from bridge.scanner.model import SPOOL_LIMIT, Capabilities, Device, ScanRequest
from bridge.scanner.quirks import NO_QUIRKS, Quirks

COMMAND_FD = 0
IMAGE_FD = 3
EVENT_FD = 4

MAX_FRAME = 65536
"""Longest frame in bytes, line end included; capabilities of a very rich scanner take a few kilobytes."""

MAX_MESSAGE = 1000
"""Longest text, in characters, that a worker may send about a failure."""


class Status(str, Enum):
    """Why something failed: SANE's eleven statuses, and what only the worker or the daemon can see."""

    UNSUPPORTED = "unsupported"
    CANCELLED = "cancelled"
    DEVICE_BUSY = "device-busy"
    INVALID = "invalid"
    END_OF_FILE = "end-of-file"
    JAMMED = "jammed"
    NO_DOCUMENTS = "no-documents"
    COVER_OPEN = "cover-open"
    IO_ERROR = "io-error"
    NO_MEMORY = "no-memory"
    ACCESS_DENIED = "access-denied"
    STORAGE_FULL = "storage-full"
    """The disk does not take what has to wait until its page is whole."""
    GONE = "gone"
    """The scanner is not there any more."""
    DIED = "died"
    """The worker process ended by itself."""
    STALLED = "stalled"
    """The worker made no progress within its time and was ended."""
    PROTOCOL = "protocol"
    """The worker said something that is not a frame, or at the wrong moment."""


# -- commands, daemon to worker ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Describe:
    """Open the device, read what it can do, close it. Answered by Described or Failed.

    `kind` is the device's `Device.kind`; it tells a sheet-fed scanner that has no option to say so.
    """

    device: str
    kind: str = ""
    quirks: Quirks = NO_QUIRKS


@dataclass(frozen=True, slots=True)
class Watch:
    """Keep the device open and look at its buttons every `period_ms`. Answered by Watching or WatchFailed.

    Open ends it, and gives the device back first.
    """

    device: str
    period_ms: int


@dataclass(frozen=True, slots=True)
class Unwatch:
    """Give a watched device back. Answered by Unwatched, also when it is not watched any more."""


@dataclass(frozen=True, slots=True)
class Open:
    """Open the device for one job and set its options. Answered by Opened or Failed.

    At most `spool_limit` bytes are kept of images that cannot be sent as they come.
    """

    device: str
    request: ScanRequest
    quirks: Quirks = NO_QUIRKS
    spool_limit: int = SPOOL_LIMIT


@dataclass(frozen=True, slots=True)
class StartImage:
    """Scan the next file. Answered by ImageStarted or Failed, later PageScanned and ImageDone or Failed."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop scanning now. The image under way ends with Failed(cancelled)."""


@dataclass(frozen=True, slots=True)
class Close:
    """Give the device back and end the process. Answered by Closed."""


# -- events, worker to daemon --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything is imported and libsane is loaded; no device is open."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The scanners that a listing process found, in SANE's order."""

    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """The answer to Describe."""

    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class Watching:
    """The device is open and its `buttons` are looked at; `page_loaded` is None without a sensor for paper.

    Comes first in answer to Watch, again when `page_loaded` changes, and now and then as a sign of life.
    """

    buttons: tuple[str, ...]
    page_loaded: bool | None


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """Somebody has pressed the scanner's button `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class WatchFailed:
    """The buttons cannot be looked at, or not any more; the device is given back."""

    status: Status
    message: str


@dataclass(frozen=True, slots=True)
class Unwatched:
    """The device is given back, as Unwatch asked."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The device is open and set up; `settings` says what was really set, for the log."""

    settings: str


@dataclass(frozen=True, slots=True)
class ImageStarted:
    """The scanner delivered its first line; no fault for this image can come from its start any more."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`lines` lines of the page under way are digitised."""

    lines: int


@dataclass(frozen=True, slots=True)
class PageScanned:
    """One image is digitised whole (its end of frame was seen); its last bytes may still be on their way."""

    lines: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file ended before its time."""

    status: Status
    message: str


@dataclass(frozen=True, slots=True)
class ImageDone:
    """The file is complete: `bytes` bytes were written to the image pipe since ImageStarted.

    `trouble` says what kept further pages from coming into it; those that are in it are good.
    """

    bytes: int
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """What was asked for did not work; after an image had started, its bytes are worth nothing."""

    status: Status
    message: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The device is given back; the process ends."""


Command = Describe | Watch | Unwatch | Open | StartImage | Cancel | Close
Event = (
    Ready
    | Listed
    | Described
    | Watching
    | ButtonPressed
    | WatchFailed
    | Unwatched
    | Opened
    | ImageStarted
    | Progress
    | PageScanned
    | ImageDone
    | Failed
    | Closed
)

_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Command) + get_args(Event)}


class FrameError(ValueError):
    """The other side of the pipe sent something that is not a frame."""


def write_frame(frame: Command | Event) -> bytes:
    """`frame` as one line of JSON, line end included."""
    words = {"frame": type(frame).__name__, **asdict(frame)}
    return json.dumps(words, separators=(",", ":")).encode() + b"\n"


def read_frame(line: bytes) -> Command | Event:
    """The frame that `line` holds. Raises FrameError for anything else."""
    if len(line) > MAX_FRAME:
        raise FrameError(f"a frame of {len(line)} bytes; at most {MAX_FRAME} are allowed")
    try:
        words = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {line[:80]!r}") from error
    if not isinstance(words, dict):
        raise FrameError(f"not an object: {line[:80]!r}")
    kind = _KINDS.get(str(words.pop("frame", None)))
    if kind is None:
        raise FrameError(f"an unknown frame: {line[:80]!r}")
    frame: Command | Event = _build(kind, words, kind.__name__)
    return frame


def _build(kind: Any, value: Any, where: str) -> Any:
    """`value` from JSON as an instance of the annotation `kind`; raises FrameError where it does not fit."""
    if kind in _SCALARS:
        return _scalar((kind,), value, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError as error:
            raise FrameError(f"{where}: {str(value)[:40]!r} is no {kind.__name__}") from error
    arguments = get_args(kind)
    if getattr(kind, "__origin__", None) is tuple:
        if not isinstance(value, list):
            raise FrameError(f"{where}: expected a list")
        return tuple(_build(arguments[0], item, where) for item in value)
    if arguments and set(arguments) <= set(_SCALARS):
        return _scalar(arguments, value, where)
    if type(None) in arguments:
        return None if value is None else _build(arguments[0], value, where)
    if not isinstance(value, dict):
        raise FrameError(f"{where}: expected an object")
    hints = _hints(kind)
    if set(value) != set(hints):
        raise FrameError(f"{where}: expected the fields {', '.join(hints)}")
    built = {name: _build(hint, value[name], f"{where}.{name}") for name, hint in hints.items()}
    try:
        return kind(**built)
    except ValueError as error:
        raise FrameError(f"{where}: {error}") from error


_SCALARS = (bool, int, float, str)


def _scalar(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    """`value` when it is of one of `kinds` and not without bounds; raises FrameError."""
    if type(value) not in kinds:
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise FrameError(f"{where}: expected {expected}, got {type(value).__name__}")
    if isinstance(value, str) and len(value) > MAX_MESSAGE:
        raise FrameError(f"{where}: {len(value)} characters; at most {MAX_MESSAGE} are allowed")
    if isinstance(value, float) and not math.isfinite(value):
        raise FrameError(f"{where}: {value} is no number")
    return value


_HINTS: dict[type[Any], dict[str, Any]] = {}


def _hints(kind: type[Any]) -> dict[str, Any]:
    """The resolved annotations of the dataclass `kind`, looked up once."""
    if kind not in _HINTS:
        resolved = get_type_hints(kind)
        _HINTS[kind] = {field.name: resolved[field.name] for field in fields(kind)}
    return _HINTS[kind]
