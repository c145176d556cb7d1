"""Makes docs/reliability.md: what a hostile and a busy network does to the bridge, measured.

    python3 -m tests.tools.reliability [--seconds N] discovery xml http storms load requests

Each word makes its section anew and leaves the others as they are. Everything runs in network namespaces and ends by
itself: `load` and `requests` after N seconds (600 unless said), the others within three minutes. Needs root.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.hostile.client import Client
from tests.hostile.daemon_watch import DaemonWatch
from tests.interop.daemon import Daemon, running
from tests.interop.namespaces import INTERFACE, Cable, Host

PAGE = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
GOOD_ADDRESS = "10.99.0.3"
"""Where a client without bad intentions comes from, on the machine of those that have some."""

INTRODUCTION = """# Under attack and under load

What a hostile network and a busy one do to the bridge. Each section was written by
`python3 -m tests.tools.reliability` with the word in its heading, from what was seen in that run: a real daemon with
SANE's virtual scanner on one machine, clients and attackers on others, all of them network namespaces of one computer.
So client, attacker, scanner and bridge share its processors, and a longest value is often the computer's. Nothing here
was measured on a Raspberry Pi.

*Stall* is how long the reactor kept a call waiting that was due; *own* the part of it in which the bridge itself
computed, the rest being other programs. The aims: in storms 95 of 100 answers within 250 ms and the next one within a
second after, no stall of its own above 100 ms, no page lost or wrong. Each section names the computer's load at its
end: far above the number of processors, other programs had most of the computer, and waits are theirs.

What the limits are and what is promised is in [SECURITY.md](../SECURITY.md).
"""


class Bench:
    """A daemon with a meter on the first machine of `cable`, and a good client on the second."""

    def __init__(self, daemon: Daemon, watch: DaemonWatch, server: Host) -> None:
        self.daemon = daemon
        self.watch = watch
        status = daemon.status()
        self.port: int = status["http_port"]
        self.uuid: str = status["scanners"][0]["uuid"]
        self.path = "/" + status["scanners"][0]["urls"]["service"].split("/", 3)[3]
        self.server = server.ipv4

    def client(self, host: Host, address: str = GOOD_ADDRESS) -> Client:
        """A client at `address` of `host`."""
        return Client(self.server, self.port, self.path, host, address)


@contextmanager
def served(server: Host) -> Iterator[Bench]:
    """A daemon on `server`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        meter = folder / "meter"
        daemon = Daemon(
            folder,
            {"network": {"interfaces": [INTERFACE]}, "log": {"level": "warn"}},
            launch=server.start,
            environment={"SCANBRIDGE_METER": str(meter)},
            program="tests.hostile.metered_bridge",
        )
        stack.enter_context(running(daemon))
        watch = stack.enter_context(DaemonWatch(daemon, meter))
        yield Bench(daemon, watch, server)


@contextmanager
def on_a_cable() -> Iterator[tuple[Cable, Bench]]:
    """A daemon, and a neighbour's machine with two addresses."""
    from tests.hostile.reflection import prepare

    with Cable() as cable:
        prepare(cable)
        cable.second.ip(f"addr add {GOOD_ADDRESS}/24 dev {INTERFACE}")
        with served(cable.first) as bench:
            yield cable, bench


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A table in Markdown."""
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    cells.insert(1, ["-" * width for width in widths])
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells)
    return [f"| {' | '.join(row)} |" for row in padded]


def ms(seconds: float) -> str:
    """A duration as people read it."""
    return "none" if seconds != seconds or seconds == float("inf") else f"{1000 * seconds:.0f} ms"


def write_section(name: str, title: str, lines: list[str]) -> None:
    """Put a section into the page, in the place of the one of that name."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    sections = dict(re.findall(r"<!-- begin (\w+) -->\n(.*?)<!-- end \1 -->\n", text, re.DOTALL))
    machine = f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the end"
    made = (
        f"*Made by `python3 -m tests.tools.reliability {name}` on {time.strftime('%Y-%m-%d')}: {machine},"
        f" Python {platform.python_version()}.*"
    )
    sections[name] = "\n".join([f"## {title}", "", made, "", *lines, ""])
    parts = [f"<!-- begin {one} -->\n{sections[one]}<!-- end {one} -->\n" for one in RUNS if one in sections]
    PAGE.write_text("\n".join([INTRODUCTION, *parts]), encoding="utf-8")
    print(f"{PAGE}: {name}")


def _run(name: str) -> Callable[[int], None]:
    """The run of that name; imported late, so that one that is broken breaks no other."""

    def run(seconds: int) -> None:
        from tests.tools import reliability_runs

        title, lines = getattr(reliability_runs, name)(seconds)
        write_section(name, title, lines)

    return run


RUNS = {name: _run(name) for name in ("discovery", "xml", "http", "storms", "load", "requests")}
"""The sections in the order of the page."""


def main() -> None:
    """Make the sections that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("run", nargs="+", choices=RUNS)
    options = parser.parse_args()
    for name in options.run:
        RUNS[name](options.seconds)


if __name__ == "__main__":
    main()
