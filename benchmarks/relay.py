"""The least that any bridge with these processes can take: pixels passed on untouched, from `sane_read` to a client.

Nothing is parsed, cut, framed or watched here. What scanimage takes less than this is what a network and a process of
its own for the driver cost, whoever writes the bridge. The bridge takes its turn in the same rounds.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from statistics import median

from benchmarks.baseline import scan_settings, scanimage, virtual_scanner
from benchmarks.client import Client, Page
from benchmarks.daemon import PYTHON, ROOT, running
from benchmarks.pages import MS
from benchmarks.table import Row, median_ratio
from bridge.scanner.imagepipe import HELD_BYTES, READ_BYTES

GROUP = "passed on untouched"

BRIDGE = "the bridge"

WAYS = ("straight into the connection", "a process between, by a pipe", "a process between, by sockets")

_SCANNER = """
import ctypes, os, sys
import sane
from bridge.scanner.handle import handle_of, load_library
out = int(sys.argv[1])
sane.init()
device = sane.open("test:0")
{settings}
library, handle = load_library(), handle_of(device.dev)
size = {size}
buffer, got = (ctypes.c_char * size)(), ctypes.c_int()
view = memoryview(buffer)
print("ready", flush=True)
sys.stdin.read(1)
device.start()
device.dev.get_parameters()
while not library.sane_read(handle, buffer, size, ctypes.byref(got)):
    sent = 0
    while sent < got.value:
        sent += os.write(out, view[sent:got.value])
os._exit(0)
"""

_RELAY = """
import os, sys
source, out = int(sys.argv[1]), int(sys.argv[2])
while data := os.read(source, {size}):
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(out, rest):]
os._exit(0)
"""


def rows(resolutions: Iterable[int], rounds: int) -> Iterator[Row]:
    """A row for each resolution and way, A4 in colour; all ways, the bridge and scanimage take turns."""
    for dpi in resolutions:
        page = Page(dpi, "tiff-single-uncompressed", "RGB24")
        pnm: list[float] = []
        taken: dict[str, list[float]] = {way: [] for way in (*WAYS, BRIDGE)}
        with running() as daemon:
            client = Client(daemon.port, daemon.paths[0])
            client.page(Page(75))
            for _ in range(rounds):
                pnm.append(scanimage(page, "pnm"))
                for way in WAYS:
                    taken[way].append(passed_on(page, way))
                daemon.warm_worker()
                taken[BRIDGE].append(client.page(page).whole_s)
        for way in taken:
            figures = {
                "whole_ms": median(taken[way]) * MS,
                "pnm_ms": median(pnm) * MS,
                "to_pnm": median_ratio(taken[way], pnm),
            }
            yield Row(GROUP, f"{way}, {dpi}", figures, "copying: scanimage throws away what it has read", {})


def passed_on(page: Page, way: str) -> float:
    """Seconds from the order to the last byte at the client, with the scanner open already."""
    with ExitStack() as stack:
        client, connection = _connection(stack)
        if way == WAYS[0]:
            out = connection.fileno()
        else:
            source, out = _way(way)
            relay = [PYTHON, "-c", _RELAY.format(size=READ_BYTES), str(source), str(connection.fileno())]
            stack.enter_context(subprocess.Popen(relay, pass_fds=(source, connection.fileno())))
        code = _SCANNER.format(settings=scan_settings(page), size=READ_BYTES)
        scanner = stack.enter_context(
            subprocess.Popen(
                [PYTHON, "-c", code, str(out)],
                cwd=ROOT,
                pass_fds=(out,),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=virtual_scanner(),
            )
        )
        assert scanner.stdin is not None
        assert scanner.stdout is not None
        scanner.stdout.readline()
        # Only the processes hold these ends now, so that the end of one is heard by the next.
        connection.close()
        if way != WAYS[0]:
            os.close(source)
            os.close(out)
        begun = time.perf_counter()
        scanner.stdin.write(b"\n")
        scanner.stdin.close()
        buffer = bytearray(1 << 20)
        received = 0
        while count := client.recv_into(buffer):
            received += count
        whole = time.perf_counter() - begun
    if not received:
        raise SystemExit("nothing came through")
    return whole


def _connection(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection on loopback: the client's, and the one that is written to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = stack.enter_context(socket.create_connection(listening.getsockname()))
        connection, _ = listening.accept()
    return client, stack.enter_context(connection)


def _way(way: str) -> tuple[int, int]:
    """Descriptors to read from and to write to, between scanner and relay."""
    if way == WAYS[1]:
        return os.pipe()
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD_BYTES)
    return ours.detach(), theirs.detach()
