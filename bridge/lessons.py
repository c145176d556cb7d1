"""What --help teaches about each command, below its options: examples that a test runs, and the exit statuses."""

from __future__ import annotations

SERVE = """examples:
  scanbridge serve                            the scanners of this machine, or the virtual one when there is none
  scanbridge --config my.toml serve           with settings of your own

The package does this as a service: systemctl status scanbridge. A line "ready" says when scanners can be found.
SIGHUP reads the settings again. Exit status: 0 stopped, 1 it could not start, 2 wrong settings."""

SCAN = """examples:
  scanbridge scan -o page.jpg                 from the only scanner that there is
  scanbridge scan -o page.pdf --resolution 300 --color gray
  scanbridge scan -o pages.jpg --source feeder            pages-001.jpg, pages-002.jpg, ...
  scanbridge scan -o page.jpg --device lide   by a part of the scanner's name
  scanbridge scan -o page.jpg --url http://192.168.1.20:8018/

What is asked for and the scanner cannot do is refused, with what it can. Ctrl-C cancels the job.
Exit status: 0 the whole image is saved, 1 it is not, 2 wrong usage, 3 no scanner found."""

DISCOVER = """examples:
  scanbridge discover                         name, identity and address of each scanner, ours or not
  scanbridge discover --json

A scanner that is missing here is missing in Windows too; then try: scanbridge doctor
Exit status: 0 at least one answered, 3 none did."""

STATUS = """examples:
  scanbridge status                           scanners, jobs, who listens, how far each computer got, problems
  scanbridge status --json                    the same as http://localhost:8018/status.json

Exit status: 0 the bridge answered, 1 it may not be asked or does not answer, 3 none is running."""

BUTTON = """examples:
  scanbridge button                           tells the computer that was told last, else the newest
  scanbridge button --destination "Scan to ATTIC"

Exit status: 0 the computer was told, 2 several scanners could be meant, 3 no computer is registered."""

DOCTOR = """examples:
  scanbridge doctor                           one finding in each line, with what to do about it
  scanbridge doctor --no-scan                 without the small test scan
  scanbridge doctor --bundle report.tar.gz    all that a bug report needs; look into it before you send it

As root it sees more: who holds a port, and the firewall's rules.
Exit status: 0 all is well, 1 there are warnings, 2 something is broken."""
