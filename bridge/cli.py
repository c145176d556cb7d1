"""The command line: what there is to say and who does it (design: command line and settings).

Everything heavy is imported by the verb that needs it, so that --help and a wrong word are answered at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge import __version__, lessons
from bridge.errors import BridgeError, ConfigError, NothingFound, UsageError
from bridge.system.escape import safe

if TYPE_CHECKING:
    from bridge.settings import Settings

DONE = 0
FAILED = 1
WRONG_USAGE = 2
NOTHING_FOUND = 3

_STATUS_OF: tuple[tuple[type[BridgeError], int], ...] = (
    (UsageError, WRONG_USAGE),
    (ConfigError, WRONG_USAGE),
    (NothingFound, NOTHING_FOUND),
    (BridgeError, FAILED),
)
"""The exit status for each error, the more special first."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; the result is the process's exit status.

    argparse itself ends the process with 2 for words it does not know, and with 0 after --help and --version.
    """
    arguments = make_parser().parse_args(argv)
    try:
        # Wrong settings are something for the doctor to find.
        settings = None if arguments.run is _doctor else _settings(arguments)
        status = arguments.run(arguments, settings)
        sys.stdout.flush()
    except BridgeError as error:
        print("scanbridge: " + "\n".join(safe(line) for line in str(error).splitlines()), file=sys.stderr)
        return next(status for kind, status in _STATUS_OF if isinstance(error, kind))
    except BrokenPipeError:
        _silence_stdout()
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    return int(status)


def make_parser() -> argparse.ArgumentParser:
    """The grammar of the command line; the parsed `run` is what does the verb."""
    parser = argparse.ArgumentParser(
        prog="scanbridge",
        description="Shows USB scanners on the network as Windows (WSD) scan devices, and scans from such devices.",
        epilog="Exit status: 0 done, 1 failed, 2 wrong usage or settings, 3 nothing found.",
    )
    parser.add_argument("--version", action="version", version=f"scanbridge {__version__}")
    _add_config(parser)
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def verb(
        name: str, run: Callable[[argparse.Namespace, Any], int], does: str, teaches: str
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name,
            help=does,
            description=does[0].upper() + does[1:] + ".",
            epilog=teaches,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        _add_config(added)
        return added

    verb("serve", _serve, "serve the scanners of this machine until told to stop", lessons.SERVE)

    scan = verb("scan", _scan, "scan from a WSD scanner on the network into a file", lessons.SCAN)
    scan.add_argument("-o", "--output", metavar="FILE", help="where to; the ending decides the format, such as .jpg")
    scan.add_argument("--url", help="address of a device or of its scan service; nothing is searched for then")
    scan.add_argument("--device", metavar="NAME", help="name, or part of the name, or UUID of the scanner")
    scan.add_argument("--format", metavar="F", help="jpeg, png, tiff, bmp, pdf, or a keyword of the standard")
    scan.add_argument("--resolution", metavar="N", type=int, help="pixels per inch")
    scan.add_argument("--color", metavar="C", help="color, gray, lineart, or a keyword of the standard")
    scan.add_argument("--source", metavar="S", help="glass, feeder, duplex, or a keyword of the standard")
    scan.add_argument("--pages", metavar="N", type=int, help="at most so many pages from the feeder; 0: all")

    scan.add_argument("--json", action="store_true", help="tell what came of it for programs")

    discover = verb("discover", _discover, "list the WSD scanners on the network", lessons.DISCOVER)
    discover.add_argument("--json", action="store_true", help="for programs")

    status = verb("status", _status, "show what the bridge on this machine is doing", lessons.STATUS)
    status.add_argument("--json", action="store_true", help="for programs")

    button = verb(
        "button", _button, "do as if the scanner's button was pressed: a computer is told to scan", lessons.BUTTON
    )
    button.add_argument("--device", metavar="NAME", help="name, or part of the name, or UUID of the scanner")
    button.add_argument("--destination", metavar="NAME", help="which computer, by a name that `status` lists")
    button.add_argument("--json", action="store_true", help="for programs")

    doctor = verb("doctor", _doctor, "say why Windows does not find or use the scanner, and what to do", lessons.DOCTOR)
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.add_argument("--no-scan", action="store_true", help="everything but the small test scan at the end")
    doctor.add_argument(
        "--bundle",
        metavar="FILE",
        type=Path,
        help="also write one archive (.tar.gz) for a bug report, without secrets and images",
    )
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    # Both the command and its verb take --config; a default would let the verb's silence undo what was given before.
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=argparse.SUPPRESS,
        help="read only this settings file (else /etc/scanbridge/scanbridge.toml and the one on the boot partition)",
    )


def _silence_stdout() -> None:
    # Nobody reads on, as in `scanbridge status | head`; Python would complain once more when it closes stdout.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _settings(arguments: argparse.Namespace) -> Settings:
    from bridge import config

    named: Path | None = getattr(arguments, "config", None)
    return config.load() if named is None else config.load([named.absolute()], required=True)


def _serve(_arguments: argparse.Namespace, settings: Settings) -> int:
    from bridge.app import serve

    return serve(settings)


def _scan(arguments: argparse.Namespace, settings: Settings) -> int:
    from bridge.client.scan import scan
    from bridge.client.wishes import read_wishes

    wishes = read_wishes(
        output=arguments.output,
        format=arguments.format,
        resolution=arguments.resolution,
        color=arguments.color,
        source=arguments.source,
        pages=arguments.pages,
    )
    return scan(wishes, settings, url=arguments.url, device=arguments.device, as_json=arguments.json)


def _discover(arguments: argparse.Namespace, settings: Settings) -> int:
    from bridge.client.discover import discover

    return discover(settings, as_json=arguments.json)


def _status(arguments: argparse.Namespace, settings: Settings) -> int:
    from bridge.system.status import show_status

    return show_status(settings, as_json=arguments.json)


def _doctor(arguments: argparse.Namespace, _settings: None) -> int:
    from bridge.doctor.examination import doctor

    files: Path | None = getattr(arguments, "config", None)
    return doctor(files, as_json=arguments.json, scan=not arguments.no_scan, bundle=arguments.bundle)


def _button(arguments: argparse.Namespace, settings: Settings) -> int:
    from bridge.system.button import press_button

    return press_button(settings, arguments.device, arguments.destination, as_json=arguments.json)
