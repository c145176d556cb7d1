"""Threads that compress strips while the next ones are read from the scanner.

libturbojpeg and zlib drop the interpreter's lock, so reading and compressing run side by side (docs/performance.md).
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator

MAX_AHEAD = 1
"""Strips that wait for a thread or for being taken, besides one for each thread and the one being filled."""

MAX_THREADS = 2
"""Threads that strips of one image are worth, on a machine with at least twice as many processors."""

Compress = Callable[[bytearray, int], bytes]
"""Compresses the first so many rows of a strip."""

_Result = bytes | Exception
_Job = tuple[bytearray, int, "queue.SimpleQueue[_Result]"] | None


def useful_threads() -> int:
    """How many threads compress strips that do not depend on one another, on this machine.

    Half of the processors are left to the scanner's driver, the daemon and the client: with both processors of a
    small machine compressing, a page took longer than with one (docs/performance.md).
    """
    return max(1, min(MAX_THREADS, len(os.sched_getaffinity(0)) // 2))


class CompressorThreads:
    """Compresses strips, each by one of `compress`, and gives them back in the order in which they came.

    Each of `compress` has a thread of its own; there is one where a strip needs what came before it. The threads end
    with this object.
    """

    def __init__(self, *compress: Compress) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._under_way: deque[queue.SimpleQueue[_Result]] = deque()
        self._count = len(compress)
        # A thread holds the queue and not this object, so that it ends when nobody else holds it.
        for each in compress:
            threading.Thread(target=_run, args=(each, self._jobs), name="compressor", daemon=True).start()

    def submit(self, data: bytearray, rows: int) -> None:
        """Compress the first `rows` rows of `data`, which belongs to a thread from now on."""
        result: queue.SimpleQueue[_Result] = queue.SimpleQueue()
        self._under_way.append(result)
        self._jobs.put((data, rows, result))

    def take(self, leave: int | None = None) -> Iterator[bytes]:
        """The strips that are compressed; waits until no more than `leave` are under way. Raises ImagingError.

        None leaves as many as keep all threads at work.
        """
        most = self._count + MAX_AHEAD if leave is None else leave
        while self._under_way:
            try:
                result = self._under_way[0].get(block=len(self._under_way) > most)
            except queue.Empty:
                return
            self._under_way.popleft()
            if isinstance(result, Exception):
                raise result
            yield result

    def __del__(self) -> None:
        for _ in range(self._count):
            self._jobs.put(None)


def _run(compress: Compress, jobs: queue.SimpleQueue[_Job]) -> None:
    while (job := jobs.get()) is not None:
        data, rows, result = job
        try:
            result.put(compress(data, rows))
        except Exception as error:
            result.put(error)
