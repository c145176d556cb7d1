"""Metrics, read by Prometheus' own parser."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bridge.web.metrics import metrics
from bridge.web.status import status_of
from tests.conversations.scene import Scene, ticket
from tests.web_bridge import NOW, bridge_of, with_pages


def values(text: str) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_is_counted(tmp_path: Path) -> None:
    """Jobs by their ends, images, the scanner's state and what discovery heard."""
    scene = Scene(tmp_path)
    bridge = with_pages(scene)
    scene.scan_page(scene.create(ticket()))
    scene.cancel(scene.create(ticket()))
    scene.create(ticket())
    bridge.discovery.queries["Probe"] = 3
    bridge.discovery.dropped["off link"] = 2
    answer = scene.wire.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = values(answer.body.decode())
    of = (scene.served.enrolled.uuid, scene.served.metadata.friendly_name)
    assert found["scanbridge_jobs_ended_total", *of, "Completed"] == 1
    assert found["scanbridge_jobs_ended_total", *of, "Canceled"] == 1
    assert found["scanbridge_jobs_ended_total", *of, "Aborted"] == 0
    assert found["scanbridge_jobs_active", *of] == 1
    assert found["scanbridge_images_total", *of] == 1
    assert found["scanbridge_scanner_state", *of, "Idle"] == 1
    assert found["scanbridge_discovery_queries_total", "Probe"] == 3
    assert found["scanbridge_discovery_dropped_total", "off link"] == 2
    assert found["scanbridge_start_time_seconds",] == NOW.timestamp()


def test_a_name_with_everything_in_it(tmp_path: Path) -> None:
    """Quotes, line ends and backslashes in a name are read back as they were."""
    status = status_of(bridge_of(Scene(tmp_path)))
    status["scanners"][0]["name"] = 'a "b"\nc\\d'
    assert any('a "b"\nc\\d' in key for key in values(metrics(status, 0)))


def test_every_metric_is_explained(tmp_path: Path) -> None:
    """Each has its type and a sentence."""
    text = metrics(status_of(bridge_of(Scene(tmp_path))), 0)
    families = list(text_string_to_metric_families(text))
    assert len(families) > 10
    assert all(family.documentation.endswith(".") and family.type in ("gauge", "counter") for family in families)
