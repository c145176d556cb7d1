"""What one neighbour can do to an HTTP server; each attack says in words what came of it."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.clients import scan_action, windows
from tests.harness import SOAP_HEADERS, request_bytes
from tests.hostile.client import LARGE, QUESTIONS, Client, Page, retrieve
from tests.interop.namespaces import Cable

if TYPE_CHECKING:
    from tests.tools.reliability import Bench

ATTACKER = "10.99.0.2"
CONNECTIONS = 1000
QUIET_S = 3.0
"""A connection on which nothing came for so long has brought all that it will."""

_HOST = "10.99.0.1:8018"


def _connect(cable: Cable, bench: Bench, address: str = ATTACKER, *, small: bool = False) -> socket.socket:
    line = cable.second.socket(socket.AF_INET, socket.SOCK_STREAM)
    if small:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.bind((address, 0))
    line.settimeout(200)
    line.connect((cable.first.ipv4, bench.port))
    return line


def _rest(line: socket.socket) -> bytes:
    data = b""
    try:
        while piece := line.recv(65536):
            data += piece
    except (ConnectionError, TimeoutError):
        pass
    line.close()
    return data


def _statuses(data: bytes) -> list[str]:
    return [status.decode() for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", data)]


def _words(found: Counter[str]) -> str:
    return ", ".join(f"{count:,} x {what}" for what, count in sorted(found.items()))


def _get(path: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {_HOST}\r\n{more}\r\n".encode()


def many_connections(cable: Cable, bench: Bench) -> str:
    """A thousand at once, with a request on each."""
    found: Counter[str] = Counter()
    lines = [_connect(cable, bench) for _ in range(CONNECTIONS)]
    for line in lines:
        try:
            line.sendall(_get("/nothing", "Connection: close\r\n"))
        except ConnectionError:
            pass
    for line in lines:
        found.update(_statuses(_rest(line)) or ["cut"])
    return _words(found)


def churn(cable: Cable, bench: Bench) -> str:
    """Connections that come and go, with a request, with half of one, and with nothing."""
    found: Counter[str] = Counter()
    for number in range(2000):
        line = _connect(cable, bench)
        if number % 3 == 0:
            line.sendall(_get("/nothing"))
            found.update(_statuses(line.recv(1000)) or ["cut"])
        elif number % 3 == 1:
            line.sendall(_get("/nothing")[:20])
        line.close()
    return _words(found) + "; the others left"


def pipelining(cable: Cable, bench: Bench) -> str:
    """Fifteen hundred requests without waiting for an answer."""
    line = _connect(cable, bench)
    body = windows(scan_action("GetScannerElements"), QUESTIONS["GetScannerElements"])
    one = request_bytes("POST", bench.path, body, headers=SOAP_HEADERS)
    threading.Thread(target=line.sendall, args=(one * 1499 + _get("/nothing", "Connection: close\r\n"),)).start()
    return _words(Counter(_statuses(_rest(line))))


def smuggling(cable: Cable, bench: Bench) -> str:
    """Requests whose end is in doubt, each with another one behind or inside."""
    hidden = _get("/hidden")
    heads = [
        "Content-Length: 5\r\nContent-Length: 0\r\n", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n", "Transfer-Encoding:\x0bchunked\r\n", "Content-Length: +0\r\n",
        "Content-Length: 0x0\r\n", "Content-Length: 0, 0\r\n", "Content-Length: -1\r\n", "Content-Length : 0\r\n",
        " Content-Length: 0\r\n", "Content-Length: 0\nTransfer-Encoding: chunked\r\n",
    ]  # fmt: skip
    chunks = [
        b"0x0\r\n\r\n",
        b"-0\r\n\r\n",
        b"0\n\n",
        b"+0\r\n\r\n",
        b" 0\r\n\r\n",
        b"0;\x00\r\n\r\n",
        b"1\r\naX\r\n0\r\n\r\n",
    ]
    requests = [f"POST /nothing HTTP/1.1\r\nHost: {_HOST}\r\n{head}\r\n".encode() for head in heads]
    requests += [
        f"POST /nothing HTTP/1.1\r\nHost: {_HOST}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunk
        for chunk in chunks
    ]
    found: Counter[str] = Counter()
    for request in requests:
        line = _connect(cable, bench)
        line.settimeout(QUIET_S)
        line.sendall(request + hidden)
        statuses = _statuses(_rest(line))
        found[" then ".join(statuses) or "cut"] += 1
    return _words(found)


def targets(cable: Cable, bench: Bench) -> str:
    """Whole URLs, our own and others', and names that lead here."""
    found = []
    for target, host in (
        (f"http://{_HOST}/nothing", _HOST), ("http://evil.example/nothing", _HOST), ("/nothing", "evil.example"),
        ("http://evil.example@10.99.0.1/nothing", _HOST), ("//evil.example/nothing", _HOST),
        ("/../../etc/passwd", _HOST),
    ):  # fmt: skip
        line = _connect(cable, bench)
        line.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        found += _statuses(_rest(line))
    return "own, others' in the target, others' in Host, user, two slashes, parents: " + ", ".join(found)


def heads(cable: Cable, bench: Bench) -> str:
    """Heads that are too large in every way."""
    found = []
    for more in ("X: y\r\n" * 10000, f"X: {'y' * 65536}\r\n", "X: y\r\n" * 65, "Y" * 20000 + ": z\r\n"):
        line = _connect(cable, bench)
        try:
            line.sendall(_get("/nothing", more))
        except ConnectionError:
            pass
        found += _statuses(_rest(line)) or ["cut"]
    return "10,000 headers, a header of 64 KiB, 65 headers, a name of 20 kB: " + ", ".join(found)


def half_closed(cable: Cable, bench: Bench) -> str:
    """Requests, whole and not, whose client says no more at once."""
    found = []
    for data in (_get("/nothing"), _get("/nothing")[:-2], b""):
        begun = time.monotonic()
        line = _connect(cable, bench)
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        statuses = _statuses(_rest(line)) or ["end"]
        found.append(f"{', '.join(statuses)} after {time.monotonic() - begun:.0f} s")
    return "whole, half, none: " + "; ".join(found)


def slow_and_silent(cable: Cable, bench: Bench) -> str:
    """Slow heads, slow bodies, silence and a reader that stops, all at once on fifteen connections."""
    found: dict[str, list[str]] = {"slow head": [], "slow body": [], "silence": [], "no reader": []}
    body = windows(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>")
    whole = request_bytes("POST", bench.path, body, headers=SOAP_HEADERS)
    cut = whole.index(b"\r\n\r\n") + 5

    def trickle(kind: str, at_once: bytes, rest: bytes) -> None:
        begun = time.monotonic()
        line = _connect(cable, bench)
        line.sendall(at_once)
        for byte in rest:
            try:
                line.sendall(bytes([byte]))
            except ConnectionError:
                break
            if _ready(line, 1.0):
                break
        status = (_statuses(_rest(line)) or ["end"])[0]
        found[kind].append(f"{status} after {time.monotonic() - begun:.0f} s")

    def no_reader() -> None:
        client = Client(bench.server, bench.port, bench.path, cable.second, ATTACKER)
        job, token = client.order(LARGE)
        client.close()
        line = _connect(cable, bench, small=True)
        request = windows(scan_action("RetrieveImage"), retrieve(job, token))
        line.sendall(request_bytes("POST", bench.path, request, headers=SOAP_HEADERS))
        begun = time.monotonic()
        while bench.daemon.scanner()["active_jobs"] and time.monotonic() - begun < 300:
            time.sleep(0.5)
        ended = bench.daemon.scanner()["history"][-1]
        state = f"{ended['state']} ({', '.join(ended['reasons'])})"
        found["no reader"].append(f"job {state} after {time.monotonic() - begun:.0f} s")
        line.close()

    work = [threading.Thread(target=no_reader)]
    for _ in range(4):
        work += [
            threading.Thread(target=trickle, args=("slow head", whole[:10], whole[10:])),
            threading.Thread(target=trickle, args=("slow body", whole[:cut], whole[cut:])),
            threading.Thread(target=trickle, args=("silence", b"", b"")),
        ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    return "; ".join(f"{kind}: {_words(Counter(ends))}" for kind, ends in found.items())


def slow_reader(cable: Cable, bench: Bench) -> str:
    """A reader of 1 MB a second gets a whole image."""
    page = Page(4000, 5000, 200, "tiff-single-uncompressed")
    client = Client(bench.server, bench.port, bench.path, cable.second, ATTACKER)
    quick = client.page(page)
    job, token = client.order(page)
    client.close()
    line = _connect(cable, bench, small=True)
    request = windows(scan_action("RetrieveImage"), retrieve(job, token))
    close = {**SOAP_HEADERS, "Connection": "close"}
    line.sendall(request_bytes("POST", bench.path, request, headers=close, version="HTTP/1.0"))
    data, begun = b"", time.monotonic()
    while piece := line.recv(65536):
        data += piece
        time.sleep(max(0.0, begun + len(data) / 1e6 - time.monotonic()))
    line.close()
    begin = data.index(b"\r\n\r\n", data.index(b"image/")) + 4
    image = data[begin : data.rindex(b"\r\n--")]
    same = "the same" if hashlib.sha256(image).hexdigest() == quick else "NOT the same"
    return f"{len(image):,} bytes in {time.monotonic() - begun:.0f} s, {same} as read quickly"


def _ready(line: socket.socket, seconds: float) -> bool:
    """Whether something comes within that time; it is left where it is."""
    line.settimeout(seconds)
    try:
        line.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    finally:
        line.settimeout(200)
    return True


ATTACKS: dict[str, Callable[[Cable, Bench], str]] = {
    "1,000 connections at once": many_connections,
    "2,000 connections that come and go": churn,
    "1,500 pipelined requests": pipelining,
    "22 ways of smuggling a request": smuggling,
    "targets and names": targets,
    "oversized heads": heads,
    "half-closed connections": half_closed,
    "slow heads, slow bodies, silence, no reader": slow_and_silent,
    "a slow reader": slow_reader,
}
