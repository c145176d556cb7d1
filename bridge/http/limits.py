"""What one client, and all clients together, may take of the HTTP service.

Everything that comes from outside has its bound here; each has a test that crosses it by one.
"""

from __future__ import annotations

from bridge.soap.parser import MAX_MESSAGE

MAX_BODY = MAX_MESSAGE
"""Largest request body in bytes, chunked ones too; beyond it 413 (checklist 37)."""

MAX_HEADER_BYTES = 16384
"""Most bytes of a request line and the headers together; beyond it 431."""

MAX_HEADERS = 64
"""Most headers of a request; beyond it 431. Windows sends about ten."""

MAX_CONNECTIONS = 64
"""Most connections at a time; the next one hears 503."""

MAX_CONNECTIONS_PER_CLIENT = 16
"""Most connections of one client address at a time; its next one hears 503."""

REQUEST_S = 30.0
"""Seconds from the first byte of a request to its last; then 408."""

IDLE_S = 60.0
"""Seconds that a connection is kept without a request (discovery-and-metadata.md 7)."""

STALL_S = 120.0
"""Seconds in which a client must take what is buffered for it, about 64 KiB; then the connection is cut.

A client that reads 1 KiB/s stays; one that stopped reading must not hold the scanner for ever.
"""

LINGER_S = 5.0
"""Seconds that a refused client has to read the refusal: closing at once would destroy it under way."""

MAX_LINGERING = 32
"""Most refused connections that wait like that; the next one is cut at once."""

MAX_DISCARDED = 1 << 20
"""Most bytes that a refused client may still send; then its connection is cut."""
