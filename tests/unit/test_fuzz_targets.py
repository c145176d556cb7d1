"""What is fuzzed holds for the seeds, and a target does see what is wrong; `tests/fuzz/fuzz` does the fuzzing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.discovery import guard
from bridge.dpws.sinks import SinkRules
from bridge.scanner import protocol
from tests.fuzz.targets import TARGETS, check

CORPUS = Path(__file__).parent.parent / "fuzz" / "corpus"
SEEDS = [(name, seed) for name in TARGETS for seed in sorted((CORPUS / name).glob("*"))]


def test_each_door_has_seeds() -> None:
    """No folder without a target; the message samples are the seeds of `envelope`. All of it is small."""
    assert {folder.name for folder in CORPUS.iterdir()} == TARGETS.keys() - {"envelope"}
    assert all(2 <= sum(1 for name, _ in SEEDS if name == target) <= 40 for target in TARGETS.keys() - {"envelope"})
    assert all(seed.stat().st_size < 8192 for _, seed in SEEDS)


@pytest.mark.parametrize(("name", "seed"), SEEDS, ids=[f"{name}-{seed.name}" for name, seed in SEEDS])
def test_a_seed_finds_nothing(name: str, seed: Path) -> None:
    """Each is taken, or refused as it should be; findings of the past are among them."""
    check(name, seed.read_bytes())


def test_the_frames_are_frames_of_today() -> None:
    """A seed that is refused at the door teaches a fuzzer nothing."""
    for seed in (CORPUS / "frame").iterdir():
        protocol.read_frame(seed.read_bytes())


def test_more_than_five_times_as_much_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The datagram target has teeth."""
    monkeypatch.setattr(guard, "AMPLIFICATION", 50)
    with pytest.raises(AssertionError, match="more goes out"):
        check("datagram", (CORPUS / "datagram" / "probe-short").read_bytes())


def test_a_sink_that_is_not_near_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """So has the one of subscriptions."""
    monkeypatch.setattr(SinkRules, "_objection", lambda *_arguments: None)
    seed = (CORPUS / "subscribe" / "all").read_bytes().replace(b"192.0.2.99", b"127.0.0.1")
    with pytest.raises(AssertionError, match="127"):
        check("subscribe", seed)


def test_a_frame_that_is_written_otherwise_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the one of frames."""
    monkeypatch.setattr(protocol, "write_frame", lambda _frame: b'{"frame":"Ready"}')
    with pytest.raises(AssertionError):
        check("frame", (CORPUS / "frame" / "done").read_bytes())
