"""The runs behind docs/reliability.md; each gives the title of its section and its lines."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from tests.fakes import wsd_client
from tests.hostile import slow, working_day
from tests.hostile.client import SOAP, Bystander, percentile
from tests.hostile.datagrams import PORT, Forger, rubbish, storm
from tests.hostile.reflection import SOURCES, questions, reflect
from tests.hostile.xml_attacks import ATTACKS, GOOD
from tests.interop.namespaces import Cable
from tests.tools.reliability import Bench, ms, on_a_cable, table

STORM_S = 8.0
STORM_RATE = 2000


def discovery(_seconds: int) -> tuple[str, list[str]]:
    """Bytes out for each byte in, by source and by question."""
    head = ["datagrams in", "bytes in", "datagrams out", "bytes out", "out for 1 in"]

    def row(name: str, sources: list[tuple[str, int]], question: Callable[[], bytes]) -> list[str]:
        seen = reflect(cable, sources, question)
        numbers = (seen.sent, seen.sent_octets, seen.answered, seen.answered_octets)
        return [name, *(str(number) for number in numbers), f"{seen.factor:.2f}"]

    with on_a_cable() as (cable, bench):
        by_source = [row(name, [source] * 5, wsd_client.probe) for name, source in SOURCES.items()]
        asked = questions(f"urn:uuid:{bench.uuid}")
        by_question = [row(name, [("10.99.0.2", 40000)] * 5, question) for name, question in asked.items()]
        # As many as the limit of all answers in a second lets through, from as many sources as there can be.
        crowd = [(f"10.99.0.{number}", 40000) for number in range(10, 210)]
        for source, _ in crowd:
            cable.first.ip(f"neigh replace {source} lladdr 02:00:00:00:99:02 dev lan0")
        flood = [row("200 forged neighbours at once", crowd, wsd_client.probe)]
    return "Who gets an answer, and how much of one (discovery)", [
        "Raw sockets with forged sources, half of the datagrams to the group and half to the bridge's address. Routes",
        "back to every source exist, so that only the bridge itself keeps an answer from going out. One scanner is",
        "served. Bytes are those of UDP's payload, all repeats counted, as a tap on the cable saw them.",
        "",
        *table(["the Probe claims to come from", *head], by_source),
        "",
        *table(["a neighbour sends", *head], by_question + flood),
    ]


def xml(_seconds: int) -> tuple[str, list[str]]:
    """What becomes of each class of attack, and how long it takes."""
    rows = []
    with on_a_cable() as (cable, bench):
        client = bench.client(cable.second)
        begun = time.monotonic()
        good = _times(client, GOOD)
        for name, (data, outcome) in ATTACKS.items():
            times, status = _times(client, data)
            measured = [f"{1000 * seconds:.1f}" for seconds in (times[3], times[-1])]
            rows.append([name, f"{len(data):,}", outcome, str(status), *measured])
        late, own = bench.watch.stall(begun, time.monotonic())
        client.close()
    slowest = max(float(row[4]) for row in rows)
    return "XML (xml)", [
        "Each class of attack as a request to the scan service, filled up to the limit of 32,767 bytes where size is",
        "what it lives on, sent seven times. Times are from the first byte sent to the last byte of the answer.",
        f"A good request of {len(GOOD)} bytes took {1000 * good[0][3]:.1f} ms. The slowest attack took {slowest:.1f}",
        f"ms in the median; the longest stall in the run was {ms(late)} ({ms(own)} own).",
        "",
        *table(["attack", "bytes", "outcome", "status", "median ms", "max ms"], rows),
    ]


def _times(client: object, data: bytes) -> tuple[list[float], int]:
    times = []
    for _ in range(7):
        begun = time.monotonic()
        response = client.send("POST", client.path, data, SOAP)  # type: ignore[attr-defined]
        response.read()
        times.append(time.monotonic() - begun)
    return sorted(times), response.status


def storms(_seconds: int) -> tuple[str, list[str]]:
    """Answers and a page while thousands of datagrams come in."""
    rows = []
    with on_a_cable() as (cable, bench):
        scanning = bench.client(cable.second)
        quiet = scanning.page()
        forger = Forger(cable.second, cable.first.ipv4)
        plain = cable.second.socket(socket.AF_INET)
        for name, send, rate in _storms(forger, plain, cable):
            rows.append(_storm(cable, bench, name, send, rate, quiet))
        forger.close()
        plain.close()
        scanning.close()
    return "Storms of datagrams (storms)", [
        f"For {STORM_S:g} s each kind of datagram comes at the rate in the table, while another neighbour asks for the",
        "scanner's elements over and over and a third scans pages. *Pages* are those scanned meanwhile and how many",
        "of them were the same, byte for byte, as one scanned in quiet. *Recovery*: from the last datagram to the",
        "answer to the first question that was asked after it. *Probe*: from the last datagram to the answer to a",
        "Probe, repeated every 100 ms; a storm of good Probes has used up the 50 answers of a second, and each answer",
        "waits up to half a second by the rules of the protocol, so this may take a second and a half.",
        "",
        *table(["storm", "sent/s", "answers", "p50", "p95", "max", "pages", "recovery", "Probe", "stall", "own"], rows),
    ]


def _storms(forger: Forger, plain: socket.socket, cable: Cable) -> list[tuple[str, Callable[[int], None], float]]:
    same = wsd_client.probe(id="urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a")
    wide = wsd_client.probe(headers="<a/>" * 1800)[:1400]
    large = wsd_client.probe(headers="<a/>" * 1850).ljust(8192)[:8192]
    noise = rubbish()
    to = (cable.first.ipv4, PORT)

    def mixed(number: int) -> None:
        kinds: tuple[Callable[[], object], ...] = (
            lambda: forger.send(f"10.99.0.{number % 250}", wsd_client.probe()),
            lambda: plain.sendto(large, to),
            lambda: plain.sendto(next(noise), to),
            lambda: forger.send("198.51.100.9", same),
        )
        kinds[number % 4]()

    return [
        ("none", lambda number: None, 10),
        ("Probes of one neighbour", lambda number: plain.sendto(wsd_client.probe(), to) and None, STORM_RATE),
        ("the same Probe", lambda number: plain.sendto(same, to) and None, STORM_RATE),
        ("Probes of forged neighbours", lambda n: forger.send(f"10.99.0.{n % 250}", wsd_client.probe()), STORM_RATE),
        ("Probes of other networks", lambda n: forger.send(f"198.51.{n % 250}.9", same), STORM_RATE),
        ("rubbish of every length", lambda number: plain.sendto(next(noise), to) and None, STORM_RATE),
        ("empty datagrams", lambda number: plain.sendto(b"", to) and None, STORM_RATE),
        ("empty datagrams, as many as can be", lambda number: plain.sendto(b"", to) and None, 1_000_000),
        ("cut XML of 1,400 bytes", lambda number: plain.sendto(wide, to) and None, STORM_RATE),
        ("8 KiB of headers", lambda number: plain.sendto(large, to) and None, STORM_RATE),
        ("all of these in turn", mixed, STORM_RATE),
    ]


def _storm(
    cable: Cable, bench: Bench, name: str, send: Callable[[int], None], rate: float, quiet: str
) -> list[str]:
    pages: list[str] = []
    over = threading.Event()
    third = bench.client(cable.second, "10.99.0.2")

    def scan() -> None:
        while not over.is_set():
            pages.append(third.page())

    with Bystander(bench.client(cable.second)) as bystander:
        scanning = threading.Thread(target=scan)
        scanning.start()
        begun = time.monotonic()
        count = storm(send, rate, STORM_S)
        ended = time.monotonic()
        probe = _recovery(cable, ended)
        time.sleep(max(0.0, ended + 2 - time.monotonic()))
        over.set()
        scanning.join()
    third.close()
    took = bystander.between(begun, ended)
    recovery = next((at + spent - ended for at, spent in bystander.asked if at >= ended), float("inf"))
    late, own = bench.watch.stall(begun, ended)
    right = sum(page == quiet for page in pages)
    asked = [str(len(took)), *(ms(percentile(took, share)) for share in (0.5, 0.95, 1.0))]
    rate_seen = f"{count / (ended - begun):,.0f}"
    return [name, rate_seen, *asked, f"{len(pages)}, {right} right", ms(recovery), ms(probe), ms(late), ms(own)]


def _recovery(cable: Cable, since: float) -> float:
    """Seconds from `since` until a Probe is answered."""
    with cable.second.inside():
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.bind(("10.99.0.3", 0))
    asking.settimeout(0.1)
    while time.monotonic() - since < 30:
        asking.sendto(wsd_client.probe(), (cable.first.ipv4, PORT))
        try:
            asking.recv(65536)
        except TimeoutError:
            continue
        asking.close()
        return time.monotonic() - since
    return float("inf")


def http(_seconds: int) -> tuple[str, list[str]]:
    """What one neighbour can do by HTTP, and how others fare meanwhile."""
    rows = []
    with on_a_cable() as (cable, bench):
        before = bench.watch.sample()
        for name, attack in slow.ATTACKS.items():
            with Bystander(bench.client(cable.second)) as bystander:
                begun = time.monotonic()
                outcome = attack(cable, bench)
                ended = time.monotonic()
            took = bystander.between(begun, ended)
            peak = max([sample.kib for sample in bench.watch.samples if sample.at >= begun], default=before.kib)
            late, own = bench.watch.stall(begun, ended)
            grown = f"{(peak - before.kib) / 1024:+.1f} MiB"
            asked = [str(len(took)), ms(percentile(took, 0.95)), ms(max(took, default=float("nan")))]
            rows.append([name, outcome, *asked, grown, ms(late), ms(own)])
        after = bench.watch.sample()
    return "HTTP (http)", [
        "One neighbour does what the table says; meanwhile another asks for the scanner's elements over and over. A",
        "client that half-closes its connection is taken to have gone: else a vanished one would keep the scanner.",
        "*Memory* is the daemon's at its peak in that row, against what it held before the first; it held",
        f"{before.kib / 1024:.1f} MiB and {before.descriptors} descriptors before, {after.kib / 1024:.1f} MiB and",
        f"{after.descriptors} descriptors after all.",
        "",
        *table(["attack", "what came of it", "others' answers", "p95", "max", "memory", "stall", "own"], rows),
    ]


def load(seconds: int) -> tuple[str, list[str]]:
    """Fifty clients for some minutes."""
    told = working_day.spend(seconds=seconds, requests=None)
    return "Fifty clients (load)", [
        f"Fifty clients on five machines, each with an address and a connection of its own, for {seconds} s: they scan",
        "a page, and ask, validate, subscribe and look at the status page between, with pauses of up to half a second.",
        "A page counts as right when it is, byte for byte, the one that was scanned in quiet.",
        "",
        *told,
    ]


def requests(seconds: int) -> tuple[str, list[str]]:
    """A hundred thousand requests."""
    told = working_day.spend(seconds=seconds, requests=100_000)
    return "A hundred thousand requests (requests)", [
        "The same clients without pauses until 100,000 requests are answered, malformed ones among them, or",
        f"{seconds} s are over; how many it came to in this run stands below the table.",
        "",
        *told,
    ]


