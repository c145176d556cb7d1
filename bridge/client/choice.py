"""Which of several scanners is meant."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.client.device import Found
from bridge.errors import NothingFound, UsageError


def pick(scanners: Sequence[Found], device: str | None, nothing: str) -> Found:
    """The scanner called `device`, or the only one when that is None.

    A name counts before a UUID and that before a part of a name, all without regard to capitals. Raises NothingFound
    with the words `nothing`, and UsageError when several could be meant.
    """
    if not scanners:
        raise NothingFound(nothing)
    candidates = list(scanners) if device is None else _called(scanners, device)
    if len(candidates) == 1:
        return candidates[0]
    names = "\n".join(f"  {one.name}  {_uuid(one)}" for one in scanners)
    if not candidates:
        raise NothingFound(f"no scanner is called {device}; there are\n{names}")
    raise UsageError(f"there is more than one scanner; say which with --device\n{names}")


def _called(scanners: Sequence[Found], device: str) -> list[Found]:
    wanted = device.strip().lower()
    exact = [one for one in scanners if one.name.lower() == wanted]
    by_uuid = [one for one in scanners if _uuid(one) == wanted.removeprefix("urn:uuid:")]
    return exact or by_uuid or [one for one in scanners if wanted and wanted in one.name.lower()]


def _uuid(found: Found) -> str:
    return found.endpoint.lower().removeprefix("urn:uuid:")
