"""One request and what becomes of it, between HTTP and the services that answer.

An endpoint is asked with an `Envelope` and an `Exchange` and gives a `Reply` or a `StreamedReply`, or None for a
message that wants no answer; it raises SoapFault or an error of `bridge.errors` for everything else. HTTP turns
all of them into bytes.

When the client goes away while an operation is under way, whatever the operation awaits is cancelled, exactly
once: `CancelledError` is raised at its `await`. An operation that holds something (a place in the queue, a scanner)
releases it in `except CancelledError` or `finally` and lets the error go on; nobody reads an answer any more. If it
returns a StreamedReply all the same, its image is abandoned. An operation that has ended is never cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer

from bridge.soap.envelope import Element, Envelope


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where a request came from and where it came in.

    `local_host` is the address literal the client connected to (brackets and zone left out), `local_port` the port;
    `peer_host` is the client's address literal; `path` the decoded path of the URL.
    """

    local_host: str
    local_port: int
    peer_host: str
    path: str

    def url(self, path: str) -> str:
        """The URL of `path` on the address the client used, so that it is valid where the client is."""
        host = f"[{self.local_host}]" if ":" in self.local_host else self.local_host
        return f"http://{host}:{self.local_port}/{path.lstrip('/')}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is one envelope.

    `shorter` is asked for another one with less in it when this one is larger than a message may be (checklist 38); it
    raises what is to be said when nothing can be left out.
    """

    action: str
    body: Element | None
    headers: tuple[Element, ...] = ()
    shorter: Callable[[], Reply] | None = None


class ImageStream(Protocol):
    """The bytes of one file, while they come from the scanner."""

    def deliver(self, consumer: IConsumer) -> Deferred[None]:
        """Push everything to `consumer`, which may pause. Called once.

        Fires when the last byte was written; fails when the scanner does, and the answer must then be cut off.
        """

    def abandon(self) -> None:
        """The client has gone: nobody takes the bytes any more. Harmless when all is delivered.

        Called at most once, and never after `delivered` or after a failure of `deliver`. A producer that the stream
        has registered with its consumer may have been stopped before.
        """

    def delivered(self) -> None:
        """The whole answer, its closing boundary too, was handed to the transport. Called at most once."""


@dataclass(frozen=True, slots=True)
class StreamedReply:
    """An answer with an attachment: `body` holds an xop:Include of `content_id`, `image` brings the bytes.

    wsd-scan.md 13; `content_id` has no angle brackets and only characters that need no escape in a URL.
    """

    action: str
    body: Element
    image: ImageStream
    media_type: str
    content_id: str


AnyReply: TypeAlias = Reply | StreamedReply | None
Operation: TypeAlias = Callable[[Envelope, Exchange], "Coroutine[Any, Any, AnyReply]"]
"""What answers one action: `async def operation(envelope, exchange)`."""


class Endpoint(Protocol):
    """Something that answers SOAP requests at one URL."""

    def operation(self, action: str) -> Operation | None:
        """What answers `action` here, None for an action that is not known at this address."""

    def fault(self, error: Exception) -> Exception:
        """The SoapFault that this endpoint's service prescribes for `error`."""
