"""What all checks look at: the settings, the running bridge as it tells itself, this machine."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.settings import Settings

SERVICE_USER = "_scanbridge"
"""As whom the packaged service runs."""


@dataclass
class Patient:
    """One examination. `status` is what the running bridge tells, None when there is none or it does not answer.

    `trouble` says why there is none. `root` is / but in tests.
    """

    settings: Settings
    status: dict[str, Any] | None = None
    trouble: str = ""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    root: Path = Path("/")

    @property
    def port(self) -> int:
        """The HTTP port, that of the running bridge before that of the settings."""
        told = (self.status or {}).get("http_port")
        return told if isinstance(told, int) else self.settings.network.http_port

    @property
    def scanners(self) -> list[dict[str, Any]]:
        """The scanners that the running bridge serves."""
        return list((self.status or {}).get("scanners") or [])

    @property
    def is_service(self) -> bool:
        """Whether the bridge that is asked about is the packaged service, as far as that can be told."""
        try:
            pwd.getpwnam(SERVICE_USER)
        except KeyError:
            return False
        return not self.settings.control.socket
