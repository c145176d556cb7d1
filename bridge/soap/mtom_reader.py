"""Reads multipart/related while it arrives: the envelope first, then the bytes of the image.

For our own client (a scanner's RetrieveImageResponse) and for the rare request that comes in this form. Nothing but
the envelope and a bounded rest is ever held (wsd-scan.md 13, checklist 190 to 192).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from bridge.errors import Refusal
from bridge.soap import media
from bridge.soap.parser import MAX_MESSAGE

MAX_BOUNDARY = 70
"""Longest boundary in characters (RFC 2046 5.1.1)."""

MAX_PREAMBLE = 1024
"""Most bytes before the first boundary."""

MAX_PART_HEAD = 4096
"""Most bytes of one part's headers."""

MAX_LINE_PADDING = 16
"""Most blanks between a boundary and the end of its line."""

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", re.DOTALL)


class MultipartError(Refusal):
    """The multipart message is malformed, too large or cut off."""


@dataclass(frozen=True, slots=True)
class SoapPart:
    """The envelope, whole."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ImageStarted:
    """The image part begins. `content_id` has no angle brackets; both are empty when the part does not say."""

    media_type: str
    content_id: str


@dataclass(frozen=True, slots=True)
class ImageData:
    """The next bytes of the image, never empty."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The closing boundary was read; the message is whole."""


Event: TypeAlias = SoapPart | ImageStarted | ImageData | End


class _Reading(Enum):
    PREAMBLE = "preamble"
    HEAD = "head"
    SOAP = "soap"
    IMAGE = "image"
    END = "end"


@dataclass(slots=True)
class MultipartReader:
    """Takes the body of a message with the Content-Type `content_type` in pieces of any size.

    Raises MultipartError, from the constructor for a Content-Type without a usable boundary, and is of no use
    afterwards. Events come as early as they can; `finish` says whether the message was whole.
    """

    content_type: str
    _delimiter: bytes = field(init=False)
    _start: str = field(init=False)
    _state: _Reading = field(init=False, default=_Reading.PREAMBLE)
    _buffer: bytearray = field(init=False, default_factory=bytearray)
    _searched: int = field(init=False, default=0)
    _parts: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        try:
            media_type, parameters = media.parse_content_type(self.content_type)
        except ValueError as error:
            raise MultipartError(f"the Content-Type cannot be read: {error}") from error
        boundary = parameters.get("boundary", "")
        if media_type != media.MULTIPART or not _BOUNDARY.fullmatch(boundary):
            raise MultipartError("the Content-Type is not multipart/related with a boundary")
        self._delimiter = b"--" + boundary.encode("ascii")
        self._start = parameters.get("start", "").strip("<> ")

    def feed(self, data: bytes) -> list[Event]:
        """What the next bytes bring. Raises MultipartError."""
        events: list[Event] = []
        if self._state is _Reading.END:
            return events  # an epilogue means nothing
        self._buffer += data
        while self._step(events):
            pass
        return events

    def finish(self) -> None:
        """The sender has closed. Raises MultipartError when the closing boundary was not there."""
        if self._state is not _Reading.END:
            raise MultipartError("the message ends before its closing boundary")

    def _step(self, events: list[Event]) -> bool:
        """Read one thing from the buffer; False when it must grow first, or nothing more is read."""
        if self._state is _Reading.END:
            self._buffer.clear()
            return False
        if self._state is _Reading.HEAD:
            return self._read_head(events)
        return self._read_content(events)

    def _read_head(self, events: list[Event]) -> bool:
        """The headers of a part, up to the empty line."""
        found = re.search(rb"\A\r?\n|\r?\n\r?\n", self._buffer)
        if found is None or found.end() > MAX_PART_HEAD:
            if len(self._buffer) > MAX_PART_HEAD:
                raise MultipartError(f"the headers of a part have more than {MAX_PART_HEAD} bytes")
            return False
        head = _part_headers(bytes(self._buffer[: found.start()]))
        del self._buffer[: found.end()]
        self._parts += 1
        _check_encoding(head)
        content_id = head.get("content-id", "").strip("<> ")
        if self._parts == 1:
            if self._start and content_id and content_id != self._start:
                raise MultipartError("the first part is not the start part")
            self._state = _Reading.SOAP
        elif self._parts == 2:
            events.append(ImageStarted(_media_type(head), content_id))
            self._state = _Reading.IMAGE
        else:
            raise MultipartError("there are more than two parts")
        self._searched = 0
        return True

    def _read_content(self, events: list[Event]) -> bool:
        """What stands before the next boundary, and the boundary's line."""
        at = self._buffer.find(self._delimiter, self._searched)
        while at >= 0:
            line = self._boundary_line(at)
            if line is None:
                self._searched = at
                self._give(events, at)
                return False
            length, closing = line
            if length:
                self._end_content(events, at, length, closing)
                return True
            at = self._buffer.find(self._delimiter, at + 1)
        # A boundary may have begun at the very end of what is here.
        self._searched = max(self._searched, len(self._buffer) - len(self._delimiter) + 1, 0)
        self._give(events, self._searched)
        return False

    def _boundary_line(self, at: int) -> tuple[int, bool] | None:
        """The length of the boundary line at `at`, 0 when it is none, and whether it closes; None: not yet known."""
        rest = bytes(self._buffer[at + len(self._delimiter) : at + len(self._delimiter) + MAX_LINE_PADDING + 4])
        if rest[:2] == b"--":
            return len(self._delimiter) + 2, True
        end = re.match(rb"[ \t]*\r?\n", rest)
        if end:
            return len(self._delimiter) + end.end(), False
        undecided = rest == b"-" or re.fullmatch(rb"[ \t]*\r?", rest)
        return None if undecided and len(rest) < MAX_LINE_PADDING + 4 else (0, False)

    def _end_content(self, events: list[Event], at: int, length: int, closing: bool) -> None:
        """A part, or the preamble, ends before the boundary at `at`.

        The line break before a boundary belongs to it. One scanner leaves it out; then nothing is cut off.
        """
        end = at - 2 if self._buffer[max(at - 2, 0) : at] == b"\r\n" else at
        content = bytes(self._buffer[:end])
        del self._buffer[: at + length]
        self._searched = 0
        if self._state is _Reading.SOAP:
            self._check_soap(len(content))
            events.append(SoapPart(content))
        elif self._state is _Reading.IMAGE and content:
            events.append(ImageData(content))
        if not closing:
            self._state = _Reading.HEAD
        elif self._state is _Reading.PREAMBLE:
            raise MultipartError("there is no part")
        else:
            self._state = _Reading.END
            events.append(End())

    def _give(self, events: list[Event], upto: int) -> None:
        """Hand over the bytes before `upto` as far as they cannot be the line break of a boundary."""
        if self._state is _Reading.IMAGE:
            safe = upto - 2
            if safe > 0:
                events.append(ImageData(bytes(self._buffer[:safe])))
                del self._buffer[:safe]
                self._searched -= safe
        elif self._state is _Reading.SOAP:
            self._check_soap(upto - 2)
        elif upto > MAX_PREAMBLE:
            raise MultipartError(f"no boundary in the first {MAX_PREAMBLE} bytes")

    def _check_soap(self, length: int) -> None:
        if length > MAX_MESSAGE:
            raise MultipartError(f"the envelope has more than {MAX_MESSAGE} bytes")


def first_part(content_type: str, body: bytes) -> bytes:
    """The envelope of a message that is here whole; nothing behind its part is looked at. Raises MultipartError."""
    reader = MultipartReader(content_type)
    events: list[Event] = []
    reader._buffer += body
    while reader._step(events):
        if events and isinstance(events[0], SoapPart):
            return events[0].data
    raise MultipartError("the message ends within its first part")


def _part_headers(head: bytes) -> dict[str, str]:
    """The headers of a part by lower-case name. Raises MultipartError."""
    headers: dict[str, str] = {}
    text = re.sub(r"\r?\n[ \t]+", " ", head.decode("latin-1"))
    for line in re.split(r"\r?\n", text) if text else ():
        header = _HEADER.fullmatch(line)
        if header is None:
            raise MultipartError("a header of a part is malformed")
        headers.setdefault(header[1].lower(), header[2])
    return headers


def _check_encoding(headers: dict[str, str]) -> None:
    """Raise MultipartError for a transfer encoding that changes bytes; there is none in MTOM (checklist 192)."""
    encoding = headers.get("content-transfer-encoding", "binary").lower()
    if encoding not in ("binary", "8bit", "7bit"):
        raise MultipartError(f"the transfer encoding {encoding[:40]} is not taken")


def _media_type(headers: dict[str, str]) -> str:
    try:
        return media.parse_content_type(headers.get("content-type", ""))[0]
    except ValueError:
        return ""
