"""What a client orders: a job before it has a number."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.scanner.model import ScanRequest


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A ticket that was checked and filled in.

    `name`, `user` and `information` are the ticket's, character for character (checklist 213). `images` is
    ImagesToTransfer, 0 for as many as there are. `altered` says that a value was changed against the ticket's wish.
    `owner` is the address literal of the client, who alone may cancel over the network. `ticket` and `final` belong to
    the protocol that took the order: the queue keeps them and never looks inside (checklist 238).
    """

    name: str
    user: str
    information: str
    request: ScanRequest
    images: int
    owner: str
    altered: bool = False
    ticket: object = None
    final: object = None
