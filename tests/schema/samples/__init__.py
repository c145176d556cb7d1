"""One good message of each kind, in files beside this one, for tests that change them."""

from pathlib import Path

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("*.xml"))
"""Names of all samples."""


def sample(name: str) -> bytes:
    """Return the octets of the sample `name`."""
    return Path(__file__).with_name(f"{name}.xml").read_bytes()
