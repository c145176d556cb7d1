"""The benchmarks run and give what they promise; how fast anything is, nobody asks here."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from benchmarks import feeder, latency, pages, relay, startup, text, together
from benchmarks.bound import bound_of
from benchmarks.client import Page
from benchmarks.table import Row, Table, percentile

ROOT = Path(__file__).parents[2]

SMALL = 75
"""A resolution at which a page takes no time."""

ISSUED = {
    "pages": lambda: [pages.measure(Page(SMALL, "tiff-single-g4", "BlackAndWhite1"), 1)],
    "relay": lambda: relay.rows([SMALL], 1),
    "feeder": lambda: feeder.rows(["png"], [SMALL], 1),
    "together": lambda: together.rows(["jfif"], [SMALL], 1, (1, 2)),
    "latency": lambda: latency.rows(1, SMALL, 25),
    "startup": lambda: startup.rows(1),
}


@pytest.mark.parametrize("rows", ISSUED.values(), ids=ISSUED)
def test_each_group_gives_whole_rows(rows: Callable[[], Iterable[Row]]) -> None:
    """Every figure is a number above nothing where something was measured, and every row says what bounds it."""
    found = list(rows())
    assert found
    for row in found:
        assert row.bound
        assert set(row.targets) <= set(row.figures)
        for name, figure in row.figures.items():
            assert figure is not None
            assert math.isfinite(figure)
            if name.endswith(("_ms", "requests")) and name not in ("late_ms", "over_start_ms", "daemon_cpu_ms"):
                assert figure > 0, (row.name, name)


def test_a_page_of_text_shrinks() -> None:
    """The PNG of a page of text takes a quarter of its pixels at most, at the level that is used for its speed."""
    pixels = text.text_page(noise=0)
    assert len(pixels) == text.WIDTH * text.HEIGHT * 3
    assert text.encoded_size(pixels) <= text.SHARE * len(pixels)


def test_the_command_writes_its_rows(tmp_path: Path) -> None:
    """`benchmarks/run` prints a table and writes the same rows as JSON, targets and what was missed included."""
    file = tmp_path / "rows.json"
    chosen = ["--only", "pages", "--rounds", "1", "--dpi", str(SMALL), "--format", "jfif", "--color", "Grayscale8"]
    told = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "run", *chosen, "--json", file],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "jfif Grayscale8 75" in told.stdout
    written = json.loads(file.read_text())
    assert written["machine"]["processors"] >= 1
    assert written["settings"]["rounds"] == 1
    (row,) = written["rows"]
    assert (row["group"], row["name"]) == ("page", "jfif Grayscale8 75")
    assert row["bound"]
    assert row["targets"]["worker_mib"] == pages.WORKER_MIB
    assert row["worker_mib"] > 5


def test_a_figure_above_its_target_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    """The table marks it, and says so at the end; what just reaches its target is not marked."""
    table = Table()
    table.add(Row("group", "slow", {"ratio": 1.5, "other": 2}, "something", {"ratio": 1.49}))
    table.add(Row("group", "exact", {"ratio": 1.5, "other": 2}, "something", {"ratio": 1.5}))
    table.close({}, None)
    told = capsys.readouterr().out
    assert "!1.50" in told
    assert "1 of 2 rows" in told
    assert "missed by slow: ratio" in told
    assert "missed by exact" not in told


@pytest.mark.parametrize(
    ("busy", "encoder", "expected"),
    [(0.5, 0.95, "one processor: the encoder"), (1.9, 0.5, "all 2 processors"), (0.8, 0.5, "waiting for each other")],
)
def test_the_bound_is_who_takes_the_time(
    busy: float, encoder: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that fills a processor, else all processors, else nobody."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert bound_of(1.0, busy, {"the reader": 0.1, "the encoder": encoder}).startswith(expected)


def test_percentiles() -> None:
    """The share of the values that are not above it."""
    values = [float(number) for number in range(100)]
    assert percentile(values, 0.99) == 99
    assert percentile(values, 0.5) == 50
    assert percentile([3.0], 0.99) == 3
