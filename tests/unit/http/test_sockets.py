"""What only a real socket shows: refusals that arrive although the client still sends, and a slow reader's memory."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from twisted.internet import reactor
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from bridge.http.resources import SoapResource, Tree
from bridge.http.site import Site
from bridge.soap.exchange import Reply
from tests.clients import scan_action, windows
from tests.fakes.endpoint import FakeEndpoint, FakeImageStream, image_reply, no_jobs
from tests.harness import SOAP_HEADERS, request_bytes
from tests.real_reactor import run

T = TypeVar("T")

REQUEST = windows(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>")
CLOSE = {"Connection": "close"}
PIECES = 200
"""Pieces of 64 KiB: more than a kernel buffers."""


def served(client: Callable[[int], T], endpoint: FakeEndpoint | None = None) -> T:
    """What `client`, a blocking function in a thread, says of the service on the port that it is given."""
    loop: Any = reactor
    tree = Tree()
    tree.putChild(b"scan", SoapResource(endpoint or FakeEndpoint(GetActiveJobs=no_jobs)))
    pool = ThreadPool(1, 1)

    async def go() -> T:
        port = loop.listenTCP(0, Site(tree, loop), interface="127.0.0.1")
        pool.start()
        try:
            result: T = await deferToThreadPool(loop, pool, client, port.getHost().port)
            return result
        finally:
            pool.stop()
            await port.stopListening()

    return run(go())


def connected(port: int) -> socket.socket:
    """A connection of a client with a small receive buffer, so that it can be slow."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.settimeout(50)
    client.connect(("127.0.0.1", port))
    return client


def rest_of(client: socket.socket) -> bytes:
    """Everything until the server closes."""
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.conformance(37)
def test_a_client_that_sends_too_much_reads_why() -> None:
    """A client that reads only after its whole body was sent, as Windows does, still gets the 413."""

    def client(port: int) -> bytes:
        with connected(port) as line:
            line.sendall(request_bytes("POST", "/scan", b"x" * 600_000, headers=SOAP_HEADERS))
            return rest_of(line)

    assert served(client).startswith(b"HTTP/1.1 413 ")


@pytest.mark.conformance(33)
def test_a_real_connection_is_kept() -> None:
    """Two requests on one socket are both answered."""

    def client(port: int) -> list[bytes]:
        with connected(port) as line:
            answers = []
            for headers in ({}, {"Connection": "close"}):
                line.sendall(request_bytes("POST", "/scan", REQUEST, headers={**SOAP_HEADERS, **headers}))
                answers.append(line.recv(15))
                if not headers:
                    while not answers[0].endswith(b"Envelope>"):
                        answers[0] += line.recv(65536)
            return answers

    assert [answer[:15] for answer in served(client)] == [b"HTTP/1.1 200 OK"] * 2


def test_others_have_their_turn_between_the_requests_of_one_client() -> None:
    """However many requests a client sends at once, each is answered in a turn of the reactor of its own."""
    loop: Any = reactor
    turns = [0]
    asked_in: list[int] = []

    def tick() -> None:
        turns[0] += 1
        if len(asked_in) < 50:
            loop.callLater(0, tick)

    def ask() -> Reply:
        asked_in.append(turns[0])
        return no_jobs()

    def client(port: int) -> bytes:
        loop.callFromThread(tick)
        with connected(port) as line:
            one = request_bytes("POST", "/scan", REQUEST, headers=SOAP_HEADERS)
            line.sendall(one * 49 + request_bytes("POST", "/scan", REQUEST, headers={**SOAP_HEADERS, **CLOSE}))
            return rest_of(line)

    assert served(client, FakeEndpoint(GetActiveJobs=ask)).count(b"HTTP/1.1 200 OK") == 50
    assert len(set(asked_in)) == 50


@pytest.mark.conformance(194)
def test_a_slow_reader_stops_the_scanner_and_loses_nothing() -> None:
    """An image much larger than all buffers is paused by its reader, and arrives whole."""
    piece = bytes(range(256)) * 256
    stream = FakeImageStream()
    pauses: list[int] = []
    written = 0

    def push() -> None:
        nonlocal written
        while not stream.paused and written < PIECES:
            written += 1
            stream.write(piece)
        if written == PIECES:
            written += 1
            stream.done()

    def resume() -> None:
        stream.paused = False
        pauses.append(written)
        push()

    stream.resumeProducing = resume  # type: ignore[method-assign]
    endpoint = FakeEndpoint(RetrieveImage=lambda: image_reply(stream))

    def client(port: int) -> bytes:
        with connected(port) as line:
            request = windows(scan_action("RetrieveImage"))
            line.sendall(request_bytes("POST", "/scan", request, headers=SOAP_HEADERS, version="HTTP/1.0"))
            head = line.recv(100)
            loop: Any = reactor
            loop.callFromThread(push)
            return head + rest_of(line)

    data = served(client, endpoint)
    assert data.count(piece) == PIECES
    assert data.endswith(b"--\r\n")
    assert len(pauses) > 10
    assert stream.heard == ["deliver", "delivered"]
