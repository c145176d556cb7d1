"""HTTP answers read from raw bytes while they arrive, as a strict client does."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Answer:
    """One answer, as much of it as has come; `status` is 0 until its head is here.

    `headers` has lower-case names; `body` is without chunking; `cut` means that the connection ended first.
    """

    status: int = 0
    version: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False
    cut: bool = False

    @property
    def content_type(self) -> str:
        """The Content-Type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class AnswerReader:
    """Takes bytes apart into answers. `expect` an answer before its first byte arrives, or it is made then.

    `methods` of the expected answers decide whether a body follows (none after HEAD).
    """

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.interim: list[int] = []
        self._expected: list[tuple[Answer, str]] = []
        self._current: tuple[Answer, str] | None = None
        self._buffer = b""
        self._remaining: int | None = None
        self._chunked = False

    def expect(self, method: str) -> Answer:
        """The answer that the next request will get."""
        answer = Answer()
        self._expected.append((answer, method))
        self.answers.append(answer)
        return answer

    def feed(self, data: bytes) -> list[Answer]:
        """The answers that `data` completes."""
        self._buffer += data
        done: list[Answer] = []
        while self._step(done):
            pass
        return done

    def close(self, *, clean: bool) -> list[Answer]:
        """The connection has ended: a clean end completes an answer without a length, and every other is cut."""
        done: list[Answer] = []
        if clean and self._current is not None and not self._chunked and self._remaining is None:
            self._finish(done)
        for answer in self.answers:
            if not answer.complete:
                answer.cut = True
        return done

    def _step(self, done: list[Answer]) -> bool:
        if self._current is None:
            return self._read_head(done)
        if self._chunked:
            return self._read_chunk(done)
        answer, _ = self._current
        if self._remaining is None:
            answer.body, self._buffer = answer.body + self._buffer, b""
            return False
        piece, self._buffer = self._buffer[: self._remaining], self._buffer[self._remaining :]
        answer.body += piece
        self._remaining -= len(piece)
        if self._remaining == 0:
            self._finish(done)
            return True
        return False

    def _read_head(self, done: list[Answer]) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        lines = head.decode("ascii").split("\r\n")
        version, status, _ = lines[0].split(" ", 2)
        self._buffer = rest
        if status.startswith("1"):
            self.interim.append(int(status))
            return True
        if not self._expected:
            self.expect("")
        answer, method = self._current = self._expected.pop(0)
        answer.version, answer.status = version, int(status)
        for line in lines[1:]:
            name, colon, value = line.partition(": ")
            assert colon, f"no header: {line!r}"
            assert name.lower() not in answer.headers, f"{name} comes twice"
            answer.headers[name.lower()] = value
        self._chunked = answer.headers.get("transfer-encoding", "") == "chunked"
        length = answer.headers.get("content-length")
        assert not (self._chunked and length is not None), "an answer with a length is chunked"
        self._remaining = 0 if method == "HEAD" else None if length is None else int(length)
        if self._remaining == 0:
            self._finish(done)
        return True

    def _read_chunk(self, done: list[Answer]) -> bool:
        assert self._current is not None
        size, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return False
        length = int(size, 16)
        if len(rest) < length + 2:
            return False
        assert rest[length : length + 2] == b"\r\n", "a chunk does not end with CRLF"
        self._current[0].body += rest[:length]
        self._buffer = rest[length + 2 :]
        if length == 0:
            self._finish(done)
        return True

    def _finish(self, done: list[Answer]) -> None:
        assert self._current is not None
        self._current[0].complete = True
        done.append(self._current[0])
        self._current, self._remaining, self._chunked = None, None, False
