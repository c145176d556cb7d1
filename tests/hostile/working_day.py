"""Fifty clients on five machines who use one scanner, and what they saw."""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

from tests.clients import windows
from tests.fakes import wsd_client
from tests.hostile.client import QUESTIONS, SOAP, Client, Refused, percentile, ticket
from tests.hostile.lan import Lan
from tests.tools.reliability import Bench, ms, served, table

MACHINES = 5
CLIENTS_ON_EACH = 10
PAUSE_S = 0.5
"""Longest pause of a client between two requests, when the day is one of so many seconds."""

WSE = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
DEEDS = {
    "GetScannerElements": 20,
    "GetActiveJobs": 15,
    "GetJobHistory": 10,
    "ValidateScanTicket": 15,
    "Get of the metadata": 10,
    "directed Probe": 10,
    "Subscribe and Unsubscribe": 5,
    "status page": 5,
    "malformed XML": 5,
    "a page": 5,
}
"""What clients do, and how often in a hundred times."""


class Person:
    """One client; `found` counts outcomes by deed, `took` has the seconds of each request."""

    def __init__(self, client: Client, device: str, seed: int, quiet: str) -> None:
        self.found: Counter[tuple[str, str]] = Counter()
        self.took: dict[str, list[float]] = {}
        self._client = client
        self._device = device
        self._quiet = quiet
        self._random = random.Random(seed)

    def work(self, until: float, requests: int | None) -> None:
        """Do this and that until then, or so often and until then at most."""
        names, weights = list(DEEDS), list(DEEDS.values())
        while time.monotonic() < until and (requests is None or sum(self.found.values()) < requests):
            (name,) = self._random.choices(names, weights)
            begun = time.monotonic()
            try:
                outcome = self._do(name)
            except Refused as refused:
                outcome = str(refused)
            except (HTTPException, OSError, ValueError) as error:
                self._client.close()
                outcome = f"{type(error).__name__}: {error}"[:60]
            self.took.setdefault(name, []).append(time.monotonic() - begun)
            self.found[name, outcome] += 1
            if requests is None:
                time.sleep(self._random.uniform(0, PAUSE_S))
        self._client.close()

    def _do(self, name: str) -> str:
        if name in QUESTIONS:
            return self._expect(self._client.ask(name, QUESTIONS[name]), f"{name}Response")
        if name == "ValidateScanTicket":
            return self._expect(self._client.ask(name, ticket(name)), "ValidateScanTicketResponse")
        if name == "Get of the metadata":
            return self._post(self._device, wsd_client.get(f"urn:uuid:{self._device[1:]}"), b"ThisModel")
        if name == "directed Probe":
            return self._post(self._device, wsd_client.probe(to=None), b"ProbeMatches")
        if name == "malformed XML":
            return self._post(self._client.path, b"<soap:Envelope>", b"Fault")
        if name == "status page":
            response = self._client.send("GET", "/")
            return "right" if b"<html" in response.read() and response.status == 200 else f"HTTP {response.status}"
        if name == "a page":
            return "right" if self._client.page() == self._quiet else "WRONG"
        return self._subscribe()

    def _subscribe(self) -> str:
        notify_to = f"<wsa:Address>http://{self._client.address}:9/</wsa:Address>"
        delivery = f"<wse:Delivery><wse:NotifyTo>{notify_to}</wse:NotifyTo></wse:Delivery>"
        answer = self._client.ask(f"{WSE}/Subscribe", f"<wse:Subscribe>{delivery}</wse:Subscribe>").decode()
        identifier = answer.partition("<wse:Identifier>")[2].partition("<")[0]
        extra = f'<wse:Identifier xmlns:wse="{WSE}">{identifier}</wse:Identifier>'
        body = f'<wse:Unsubscribe xmlns:wse="{WSE}"/>'
        message = windows(f"{WSE}/Unsubscribe", body, extra=extra)
        return self._post(self._client.path, message, b"UnsubscribeResponse")

    def _post(self, path: str, message: bytes, expected: bytes) -> str:
        response = self._client.send("POST", path, message, SOAP)
        return self._expect(response.read(), expected.decode())

    @staticmethod
    def _expect(answer: bytes, expected: str) -> str:
        return "right" if expected.encode() in answer else "WRONG"


def _machine(lan: Lan, number: int, bench_facts: tuple[Any, ...], until: float, share: int | None, pipe: Any) -> None:
    """The clients of one machine, in a process of their own; what they saw goes into `pipe`."""
    server, port, path, uuid, quiet = bench_facts
    host = lan.machines[number]
    people = [
        Person(Client(server, port, path, host, address), f"/{uuid}", 100 * number + index, quiet)
        for index, address in enumerate(lan.addresses(number))
    ]
    threads = [threading.Thread(target=person.work, args=(until, share)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send([(person.found, person.took) for person in people])


def spend(*, seconds: int, requests: int | None) -> list[str]:
    """Let them work for so long, or for so many requests and so long at most; the lines of what came of it."""
    with Lan(MACHINES, CLIENTS_ON_EACH) as lan, served(lan.server) as bench:
        first = bench.client(lan.machines[0], lan.addresses(0)[0])
        quiet = first.page()
        first.close()
        begun = time.monotonic()
        before = bench.watch.sample()
        facts = (bench.server, bench.port, bench.path, bench.uuid, quiet)
        share = None if requests is None else -(-requests // (MACHINES * CLIENTS_ON_EACH))
        found, took = _crowd(lambda number, pipe: _machine(lan, number, facts, begun + seconds, share, pipe))
        ended = time.monotonic()
        lines = _told(bench, found, took, begun, ended)
        time.sleep(3)
        after = bench.watch.sample()
        scanner = bench.daemon.scanner()
        states = Counter(job["state"] for job in scanner["history"])
        highest = max(sample.kib for sample in bench.watch.samples)
        most = max(sample.descriptors for sample in bench.watch.samples)
        lines += [
            "",
            f"Memory of the daemon: {before.kib / 1024:.1f} MiB before, {highest / 1024:.1f} MiB at most,"
            f" {after.kib / 1024:.1f} MiB after; it grew by {bench.watch.slope():+.0f} KiB a minute over the last two",
            f"thirds. Descriptors: {before.descriptors} before, {most} at most, {after.descriptors} after. Jobs left"
            f" active: {len(scanner['active_jobs'])}; the last {sum(states.values())} of the history:",
            ", ".join(f"{count} {state}" for state, count in sorted(states.items())) + ". The daemon's log has no error"
            " that nobody handled (the run fails otherwise).",
        ]
    return lines


def _crowd(work: Callable[[int, Any], None]) -> tuple[Counter[tuple[str, str]], dict[str, list[float]]]:
    """Run `work` for each machine in a process of its own; all that their clients saw."""
    context = multiprocessing.get_context("fork")
    machines = []
    for number in range(MACHINES):
        here, there = context.Pipe()
        process = context.Process(target=work, args=(number, there))
        process.start()
        machines.append((process, here))
    found: Counter[tuple[str, str]] = Counter()
    took: dict[str, list[float]] = {}
    for process, here in machines:
        for outcomes, times in here.recv():
            found.update(outcomes)
            for name, values in times.items():
                took.setdefault(name, []).extend(values)
        process.join()
    return found, took


def _told(
    bench: Bench, found: Counter[tuple[str, str]], took: dict[str, list[float]], begun: float, ended: float
) -> list[str]:
    rows = []
    for name in DEEDS:
        outcomes = {outcome: count for (deed, outcome), count in found.items() if deed == name}
        wrong = sorted((outcome, count) for outcome, count in outcomes.items() if outcome != "right")
        others = ", ".join(f"{count:,} x {outcome}" for outcome, count in wrong)
        times = took.get(name, [])
        shares = [ms(percentile(times, share)) for share in (0.5, 0.95, 0.99, 1.0)]
        rows.append([name, f"{len(times):,}", f"{outcomes.get('right', 0):,}", others or "none", *shares])
    late, own = bench.watch.stall(begun, ended)
    total = sum(found.values())
    return [
        *table(["what they did", "times", "right", "other outcomes", "p50", "p95", "p99", "max"], rows),
        "",
        f"{total:,} in {ended - begun:.0f} s, {total / (ended - begun):.0f} a second. Longest stall {ms(late)}"
        f" ({ms(own)} own).",
    ]
