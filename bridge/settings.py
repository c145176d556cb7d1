"""Every setting: its section, its default, what it may be and what it means; the one place for all of this.

`bridge/config.py` fills these from files. The docstring of a class and the `meaning` of a field are the text of the
settings' reference, so they are written for the person who edits the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bridge.setting_kinds import (
    AbsolutePath,
    ButtonPurposes,
    Choice,
    Flag,
    InterfaceNames,
    Kind,
    Number,
    Prefixes,
    Text,
    Whole,
    setting,
)

STRICT_RETRIEVE_TIMEOUT_S = 60
"""What a client is promised between two images of a job, in seconds (wsd-scan.md 11.3, design ruling on timers)."""

LEAST_MEMORY_MB = 128
"""Less than this leaves too little for a driver beside the bridge's own part of its process, in megabytes."""

IGNORED_SECTIONS = frozenset({"board"})
"""Sections that belong to the image for the Raspberry Pi; the daemon neither reads nor checks them."""


@dataclass(frozen=True, slots=True)
class Network:
    """Where the bridge can be reached."""

    interfaces: tuple[str, ...] = setting(
        (),
        InterfaceNames(),
        "names of the network interfaces to serve; empty: every one that is up and can do multicast, but tunnels and "
        'container bridges; "lo" is served when it is named here',
    )
    http_port: int = setting(8018, Whole(0, 65535), "TCP port of the scanners and of the status page; 0: any free one")
    ipv6: bool = setting(True, Flag(), "whether to serve IPv6 beside IPv4")
    allow: tuple[str, ...] = setting(
        (), Prefixes(), "networks behind a router whose clients may scan too; the own networks always may"
    )


@dataclass(frozen=True, slots=True)
class Scanner:
    """Which scanners are served and how they are called."""

    virtual: str = setting(
        "auto",
        Choice("auto", "always", "never"),
        'SANE\'s virtual scanner, for trying things out; "auto": only when no scanner is plugged in',
    )
    sane_config_dir: str = setting(
        "", AbsolutePath(), "folder with SANE's configuration; empty: the bridge's own, with backends for USB only"
    )
    quirks_directory: str = setting(
        "",
        AbsolutePath(),
        "folder with your own quirks files, see scanbridge-quirks(5); empty: /etc/scanbridge/quirks.d",
    )
    name: str = setting("", Text(), "what computers show; empty: the model and this machine's name")
    location: str = setting("", Text(), "where the scanner stands, shown by computers that ask for it")
    buttons: bool = setting(
        False, Flag(), "watch the scanner's own buttons; other programs cannot use the scanner meanwhile"
    )
    button_poll_hz: float = setting(2.0, Number(0.1, 20, "per second"), "how often the buttons are looked at")
    start_timeout_s: int = setting(
        60, Whole(1, 3600, "of seconds"), "how long a scanner may take until its first line"
    )
    read_timeout_s: int = setting(
        30, Whole(1, 3600, "of seconds"), "how long a scanner may pause in the middle of a page"
    )
    memory_limit_mb: int = setting(
        0,
        Whole(0, 1048576, "of megabytes"),
        "how much memory a scanner's driver may take before its scan fails, at least 128; 0: half of the machine's, "
        "but at least 256 and at most 768",
    )


@dataclass(frozen=True, slots=True)
class Jobs:
    """How scans wait, end and are remembered."""

    retrieve_timeout_s: int = setting(
        60,
        Whole(1, 86400, "of seconds"),
        "how long a job waits for the computer to fetch an image; below 60 only with strict_timeouts = false",
    )
    queue_limit: int = setting(8, Whole(0, 1000), "how many jobs may wait for one scanner; 0: none")
    history_limit: int = setting(50, Whole(0, 10000), "how many finished jobs of one scanner are remembered")
    spool_limit_mb: int = setting(
        512,
        Whole(0, 1048576, "of megabytes"),
        "largest temporary file, for formats that cannot be sent as they are made",
    )


@dataclass(frozen=True, slots=True)
class Push:
    """Where a scan goes that starts with a press of a button."""

    destination: str = setting(
        "", Text(), "name of the computer's destination; empty: the one that was used last, else the newest"
    )
    buttons: tuple[str, ...] = setting(
        (),
        ButtonPurposes(),
        "what the scanner's own buttons are for, where their names do not tell (the log lists them); with several "
        'scanners, a part of the model may stand before a button: "LiDE/button-2: email"',
    )


@dataclass(frozen=True, slots=True)
class State:
    """What must survive a restart."""

    directory: str = setting(
        "", AbsolutePath(), "folder for it; empty: $STATE_DIRECTORY, else ~/.local/state/scanbridge"
    )


@dataclass(frozen=True, slots=True)
class Control:
    """How the command line reaches the running bridge."""

    socket: str = setting(
        "", AbsolutePath(), "path of the socket; empty: $RUNTIME_DIRECTORY/control.sock, else beside the state"
    )


@dataclass(frozen=True, slots=True)
class Log:
    """What the log says."""

    level: str = setting("info", Choice("debug", "info", "warn", "error"), "the least important line that is written")
    wire: bool = setting(False, Flag(), "write down every message to and from computers, images cut out")


@dataclass(frozen=True, slots=True)
class Interop:
    """Switches for computers that want something done in another way; leave them alone when all works."""

    fault_status: str = setting(
        "soap12",
        Choice("soap12", "500", "200"),
        'HTTP status of a refusal; "soap12": 400 or 500 as SOAP 1.2 has it, "500": always 500, "200": always 200',
    )
    dib_file_header: bool = setting(True, Flag(), "whether a dib image begins with a bitmap file header")
    hello_xaddrs: bool = setting(True, Flag(), "whether Hello tells the address already")
    host_section: bool = setting(False, Flag(), "whether the metadata describe the host beside its scan service")
    strict_timeouts: bool = setting(True, Flag(), "refuse a retrieve_timeout_s below 60, which computers rely on")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one run, and where they are from.

    `files` are the files that were looked for, the later over the earlier; `required` says that they had to exist.
    """

    network: Network = field(default_factory=Network)
    scanner: Scanner = field(default_factory=Scanner)
    jobs: Jobs = field(default_factory=Jobs)
    push: Push = field(default_factory=Push)
    state: State = field(default_factory=State)
    control: Control = field(default_factory=Control)
    log: Log = field(default_factory=Log)
    interop: Interop = field(default_factory=Interop)
    files: tuple[Path, ...] = ()
    required: bool = False


SECTIONS: dict[str, type[Any]] = {
    "network": Network,
    "scanner": Scanner,
    "jobs": Jobs,
    "push": Push,
    "state": State,
    "control": Control,
    "log": Log,
    "interop": Interop,
}
"""The sections by the name they have in a file, in the order people read them."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One setting as it is declared, for the checker and for the reference."""

    section: str
    key: str
    default: object
    kind: Kind[object]
    meaning: str

    @property
    def name(self) -> str:
        """The setting as people say it: section.key."""
        return f"{self.section}.{self.key}"


def declared(sections: Mapping[str, type[Any]] = SECTIONS) -> Iterator[Declared]:
    """Every setting in `sections`, in the order of the reference."""
    for section, kind in sections.items():
        for one in fields(kind):
            yield Declared(section, one.name, one.default, one.metadata["kind"], one.metadata["meaning"])


def contradictions(settings: Settings) -> list[str]:
    """What is wrong between settings that are each good for themselves, as sentences that name the keys."""
    found = []
    if settings.interop.strict_timeouts and settings.jobs.retrieve_timeout_s < STRICT_RETRIEVE_TIMEOUT_S:
        found.append(
            f"jobs.retrieve_timeout_s = {settings.jobs.retrieve_timeout_s}: expected at least "
            f"{STRICT_RETRIEVE_TIMEOUT_S}, because computers rely on it; interop.strict_timeouts = false allows less"
        )
    if 0 < settings.scanner.memory_limit_mb < LEAST_MEMORY_MB:
        found.append(
            f"scanner.memory_limit_mb = {settings.scanner.memory_limit_mb}: expected at least {LEAST_MEMORY_MB}, which "
            "the bridge's own part and a small driver take, or 0"
        )
    return found
