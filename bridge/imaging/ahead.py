"""A thread that compresses strips while the next ones are read from the scanner.

libturbojpeg and zlib drop the interpreter's lock, so reading and compressing run side by side: half the time at A4,
colour, 1200 dpi on two processors.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

MAX_AHEAD = 2
"""Strips that wait for the thread or for being taken, besides the one being filled."""

Compress = Callable[[bytearray, int], bytes]
"""Compresses the first so many rows of a strip."""

_Job = tuple[bytearray, int] | None
_Result = bytes | Exception


class CompressorThread:
    """Compresses strips in the order in which they come.

    The thread ends with this object.
    """

    def __init__(self, compress: Compress) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[_Result] = queue.SimpleQueue()
        self._under_way = 0
        # The thread holds the queues and not this object, so that it ends when nobody else holds it.
        arguments = (compress, self._jobs, self._results)
        threading.Thread(target=_run, args=arguments, name="compressor", daemon=True).start()

    def submit(self, data: bytearray, rows: int) -> None:
        """Compress the first `rows` rows of `data`, which belongs to the thread from now on."""
        self._under_way += 1
        self._jobs.put((data, rows))

    def take(self, leave: int = MAX_AHEAD) -> Iterator[bytes]:
        """The strips that are compressed; waits until no more than `leave` are under way. Raises ImagingError."""
        while self._under_way:
            try:
                result = self._results.get(block=self._under_way > leave)
            except queue.Empty:
                return
            self._under_way -= 1
            if isinstance(result, Exception):
                raise result
            yield result

    def __del__(self) -> None:
        self._jobs.put(None)


def _run(compress: Compress, jobs: queue.SimpleQueue[_Job], results: queue.SimpleQueue[_Result]) -> None:
    while (job := jobs.get()) is not None:
        data, rows = job
        try:
            results.put(compress(data, rows))
        except Exception as error:
            results.put(error)
