"""Every envelope that our code writes is checked against our schemas, whoever writes it.

`install` puts the check into `bridge.soap.envelope` before any other module of the bridge takes `write_envelope`
from there. A violation is raised where it happens and remembered, so that product code which catches the
exception cannot hide it: `tests/conftest.py` fails the test, `tests/checked_bridge.py` writes it to a file.
"""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from tests import schema_check

VIOLATIONS: list[str] = []
"""What went wrong since the list was last emptied: each the complaint and the envelope."""

_RECENT: deque[bytes] = deque(maxlen=64)
"""Envelopes found valid lately: most are looked at where they are written and again where they arrive."""

LOG_FILE: str | None = None
"""A file that every violation is appended to at once: a daemon may be killed before it ends."""


class InvalidEnvelope(AssertionError):
    """Our code wrote an envelope that our schemas do not allow."""


def install() -> None:
    """Wrap `write_envelope`. Raises RuntimeError when a module has taken the bare function already."""
    import bridge.soap.envelope as module

    original = module.write_envelope
    if hasattr(original, "unchecked"):
        return
    takers = [name for name, loaded in list(sys.modules.items()) if _has(loaded, original) and loaded is not module]
    if takers:
        raise RuntimeError(f"these modules write envelopes that nobody checks: {', '.join(takers)}")
    module.write_envelope = _checked(original)


def take_violations() -> list[str]:
    """The violations so far; the list is empty afterwards."""
    taken = VIOLATIONS[:]
    VIOLATIONS.clear()
    return taken


def check(data: bytes) -> None:
    """Raise InvalidEnvelope, and remember it, when `data` is no message that our schemas allow."""
    if data not in _RECENT:
        _check("check_message", data)
        _RECENT.append(data)


def check_datagram(data: bytes) -> None:
    """The same for what goes out by UDP."""
    _check("check_datagram", data)


def check_multipart(content_type: str, body: bytes) -> None:
    """The same for an answer with an attachment."""
    _check("check_multipart", content_type, body)


def _check(name: str, *message: str | bytes) -> None:
    try:
        getattr(schema_check, name)(*message)
    except Exception as error:
        shown = message[-1].decode("utf-8", "backslashreplace") if isinstance(message[-1], bytes) else ""
        violation = f"{error}\n{shown[:40000]}"
        VIOLATIONS.append(violation)
        if LOG_FILE is not None:
            with open(LOG_FILE, "a", encoding="utf-8") as log:
                log.write(violation + "\n\n")
        raise InvalidEnvelope(str(error)) from error


def _checked(original: Callable[..., bytes]) -> Callable[..., bytes]:
    @functools.wraps(original)
    def write_envelope(*args: Any, **kwargs: Any) -> bytes:
        data = original(*args, **kwargs)
        check(data)
        return data

    write_envelope.unchecked = original  # type: ignore[attr-defined]
    return write_envelope


def _has(module: Any, function: Callable[..., Any]) -> bool:
    return any(value is function for value in list(vars(module).values())) if hasattr(module, "__dict__") else False
