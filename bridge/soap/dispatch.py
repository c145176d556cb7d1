"""From the bytes of a request to the bytes of its answer, whatever carries them.

Parse, check the addressing, ask the endpoint, write the envelope; and turn everything that goes wrong into a fault
(wsd-scan.md 2, 3, 10; discovery-and-metadata.md 7 to 9).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import Refusal
from bridge.soap.addressing import check_request, fault_message
from bridge.soap.envelope import Envelope, TooLargeToSend, read_envelope, write_envelope
from bridge.soap.exchange import Endpoint, Exchange, Reply, StreamedReply
from bridge.soap.faults import SoapFault, scan_fault
from bridge.soap.parser import MalformedXml, TooLarge

log = Logger()

REFUSALS_AT_ONCE = 20
"""Refused requests in a row that are told in the log at its usual level."""

REFUSALS_PER_MINUTE = 10
"""Refused requests that are told when they come for a long time."""

FaultStatus = Literal["soap12", "500", "200"]
"""The HTTP status of faults: as the SOAP 1.2 binding has it, or always the same (setting interop.fault_status)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: the HTTP status, the envelope (empty for 202), and an attachment that follows it.

    `action` is the action of the request, as far as it could be read, for the log.
    """

    status: int
    message: bytes
    action: str = ""
    streamed: StreamedReply | None = None


class Call:
    """One request at one endpoint. `start` it once; `cancel` it when nobody waits for the answer any more."""

    def __init__(self, endpoint: Endpoint, data: bytes, exchange: Exchange, fault_status: FaultStatus) -> None:
        self._endpoint = endpoint
        self._data = data
        self._exchange = exchange
        self._fault_status = fault_status
        self._request: Envelope | None = None
        self._answering: Deferred[Answer] | None = None
        self._cancelled = False

    def start(self) -> Deferred[Answer]:
        """Fires with the answer, a fault too. Fails with CancelledError only, and only after `cancel`."""
        self._answering = Deferred.fromCoroutine(self._answer())
        return self._answering

    def cancel(self) -> None:
        """Cancel the operation, once, unless it has ended (the contract is in `exchange`)."""
        if self._answering is not None and not self._answering.called:
            self._cancelled = True
            self._answering.cancel()

    async def _answer(self) -> Answer:
        try:
            return await self._ask()
        except CancelledError as error:
            if self._cancelled:
                raise
            return self._failed(error)
        except Exception as error:
            return self._failed(error)

    async def _ask(self) -> Answer:
        request = self._request = read_envelope(self._data)
        action = check_request(request)
        operation = self._endpoint.operation(action)
        if operation is None:
            raise SoapFault.action_not_supported(action)
        reply = await operation(request, self._exchange)
        if reply is None:
            return Answer(202, b"", action)
        if isinstance(reply, StreamedReply):
            message = write_envelope(reply.action, reply.body, relates_to=request.message_id)
            return Answer(200, message, action, reply)
        return Answer(200, message_of(reply, request), action)

    def _failed(self, error: Exception) -> Answer:
        """The fault for `error`; what is no refusal is a defect of ours and goes to the log whole."""
        action = (self._request.action if self._request is not None else None) or ""
        if isinstance(error, MalformedXml):
            status = 413 if isinstance(error, TooLarge) else 400
            _tell("{peer} sent no XML that is taken: {error}", peer=self._exchange.peer_host, error=str(error))
            return Answer(status, fault_message(SoapFault.sender(str(error)), None), action)
        if isinstance(error, SoapFault | Refusal):
            name = action.rpartition("/")[2] or "a request"
            _tell("{action} of {peer} refused: {error}", action=name, peer=self._exchange.peer_host, error=str(error))
        else:
            log.failure(
                "{action} of {peer} failed", Failure(error), action=action or "a request", peer=self._exchange.peer_host
            )
        fault = self._fault(error)
        return Answer(self._status(fault), fault_message(fault, self._request), action)

    def _fault(self, error: Exception) -> SoapFault:
        """What the endpoint's service prescribes for `error`, or an internal error when it has no answer either."""
        if isinstance(error, SoapFault):
            return error
        try:
            fault = self._endpoint.fault(error)
        except Exception:
            log.failure("no fault for {error!r}", error=error)
            return scan_fault(error)
        return fault if isinstance(fault, SoapFault) else scan_fault(error)

    def _status(self, fault: SoapFault) -> int:
        return fault.http_status if self._fault_status == "soap12" else int(self._fault_status)


def message_of(reply: Reply, request: Envelope) -> bytes:
    """The message of `reply`, or of a shorter one where that is too large for a message.

    Raises TooLargeToSend when it is and has none, and what `reply.shorter` raises.
    """
    try:
        return write_envelope(reply.action, reply.body, relates_to=request.message_id, headers=reply.headers)
    except TooLargeToSend:
        if reply.shorter is None:
            raise
    return message_of(reply.shorter(), request)


class _Telling:
    """Lets so many lines about refusals into the log at its usual level that a flood of bad requests is none there."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._room = float(REFUSALS_AT_ONCE)
        self._at = clock()

    def __call__(self, text: str, **fields: object) -> None:
        """Log `text`, below the usual level when there were too many before."""
        now = self._clock()
        self._room = min(REFUSALS_AT_ONCE, self._room + (now - self._at) * REFUSALS_PER_MINUTE / 60)
        self._at = now
        if self._room >= 1:
            self._room -= 1
            log.info(text, **fields)
        else:
            log.debug(text, **fields)


_tell = _Telling()
