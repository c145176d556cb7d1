"""Fuzzes one target: `python3 -m tests.fuzz.run TARGET [options of libFuzzer]`, in an environment that has Atheris.

The script `tests/fuzz/fuzz` makes that environment and calls this for every target.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
SAMPLES = HERE.parent / "schema" / "samples"
SEEDS = {"envelope": [SAMPLES], "subscribe": [SAMPLES], "datagram": [SAMPLES]}
"""Folders of seeds beside the target's own: one good message of every kind."""

UNTOUCHED = ["bridge.jobs.machine", "bridge.scanner.lifecycle"]
"""Automat insists on inputs without code."""


def main() -> None:
    """Run until libFuzzer ends the process; a finding ends it with another exit status than 0."""
    name, *options = sys.argv[1:]
    grown = HERE.parent.parent / ".cache" / "fuzz" / "grown" / name
    grown.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["bridge"], exclude=UNTOUCHED):
        from tests import envelope_watch

        envelope_watch.install()
        from tests.fuzz import targets
    folders = [grown, CORPUS / name, *SEEDS.get(name, [])]
    places = [str(folder) for folder in folders if folder.exists()]
    arguments = [sys.argv[0], f"-dict={HERE / 'wsd.dict'}", "-max_len=33000", "-len_control=20", *options, *places]
    atheris.Setup(arguments, lambda data: targets.check(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
