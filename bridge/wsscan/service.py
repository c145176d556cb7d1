"""The scan service as an endpoint: which operation answers which action (wsd-scan.md 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bridge.errors import Refusal
from bridge.interfaces import Scanner
from bridge.scanner.model import ColorMode, Format
from bridge.soap.envelope import Element, Envelope
from bridge.soap.exchange import AnyReply, Endpoint, Exchange, Operation
from bridge.soap.faults import scan_fault
from bridge.wsscan.configuration import ScannerNames
from bridge.wsscan.offer import DEFAULTS, Defaults, Fits, Offer, any_size
from bridge.wsscan.operations import Operations
from bridge.wsscan.push import NoPush, PushRegistry
from bridge.wsscan.ticket import ScanTicket

if TYPE_CHECKING:
    from bridge.jobs.order import JobOrder
    from bridge.jobs.queue import JobQueue


class ScanService:
    """Answers at the scan service's URL: the eight operations, and whatever `extensions` know, such as eventing.

    `formats` says which colours a file of each format can carry, `fits` which sizes can be made, `dib_file_header`
    whether a dib is a whole bitmap file; `push` knows what was given out with ScanAvailableEvent.
    """

    def __init__(
        self,
        scanner: Scanner,
        queue: JobQueue,
        names: ScannerNames,
        formats: Mapping[Format, frozenset[ColorMode]],
        defaults: Defaults = DEFAULTS,
        *,
        fits: Fits = any_size,
        dib_file_header: bool = True,
        push: PushRegistry | None = None,
        extensions: Sequence[Endpoint] = (),
    ) -> None:
        made: Offer | None = None

        def offer() -> Offer:
            nonlocal made
            capabilities = scanner.capabilities
            if made is None or made.capabilities is not capabilities:
                made = Offer(capabilities, formats, defaults, fits, dib_file_header)
            return made

        self._operations = Operations(scanner, queue, names, offer, NoPush() if push is None else push)
        self._table = self._operations.table()
        self._extensions = tuple(extensions)

    def operation(self, action: str) -> Operation | None:
        """What answers `action` here, None for an action that is not known (checklist 14)."""
        found = self._table.get(action)
        if found is not None:
            return found
        for extension in self._extensions:
            extended = extension.operation(action)
            if extended is not None:
                return _answering_for(extension, extended)
        return None

    def fault(self, error: Exception) -> Exception:
        """The scan service's fault for `error` (wsd-scan.md 10)."""
        return scan_fault(error)

    def order(self, ticket: ScanTicket, owner: str) -> JobOrder:
        """The order that `ticket` of the client `owner` makes; raises what CreateScanJob refuses."""
        return self._operations.order(ticket, owner)

    def rename(self, names: ScannerNames) -> None:
        """Tell people `names` from now on."""
        self._operations.names = names

    def sections(self) -> Mapping[str, Callable[[], Element]]:
        """The parts of the scanner's description, by name, for events that tell of their change."""
        return self._operations.sections()


def _answering_for(extension: Endpoint, operation: Operation) -> Operation:
    """`operation` with refusals turned into the faults of its own service; defects pass unchanged."""

    async def guarded(envelope: Envelope, exchange: Exchange) -> AnyReply:
        try:
            return await operation(envelope, exchange)
        except Refusal as refusal:
            raise extension.fault(refusal) from refusal

    return guarded
