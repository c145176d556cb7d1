"""Every class of attack by XML, sent to the scan service: refused in words, or handled right; and the service goes on.

`python3 -m tests.tools.reliability xml` measures how long each takes.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge import __version__
from bridge.soap.parser import MAX_MESSAGE
from tests.conversations.scene import Scene
from tests.hostile.xml_attacks import ATTACKS, GOOD

LEAKS = re.compile(
    rb"Traceback|/usr/|/etc/|/home/|\.py\b|root:|python|twisted|lxml|libxml|Debian|" + re.escape(__version__.encode()),
    re.IGNORECASE,
)
"""What no refusal may tell: where we live, what we are made of, or what was read from a file."""


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_or_handled_right(tmp_path: Path, name: str) -> None:
    """A fault or the right answer, no inside of ours in it, and the next request is answered."""
    data, outcome = ATTACKS[name]
    assert len(data) <= MAX_MESSAGE + 1
    scene = Scene(tmp_path)
    answer = scene.wire.post(scene.path, data)
    assert answer.complete
    assert answer.status in ((200,) if outcome == "answered" else (400, 413, 500))
    assert (b"GetActiveJobsResponse" in answer.body) == (outcome == "answered")
    assert b"InternalError" not in answer.body
    assert not LEAKS.search(answer.body)
    assert not any(LEAKS.search(value.encode()) for value in answer.headers.values())
    assert scene.wire.post(scene.path, GOOD).status == 200
