"""A bridge as its pages see it, around one scene."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from bridge.settings import Settings
from bridge.system.problems import RecentProblems
from bridge.visitors import Visitors
from bridge.web.site import Pages
from tests.conversations.scene import Scene

NOW = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC)


def bridge_of(scene: Scene | None = None, **changes: Any) -> Any:
    """What `Running` promises, with the scene's scanner."""
    told: dict[str, Any] = {
        "ready": True,
        "since": NOW,
        "http_port": 8018,
        "settings": Settings(),
        "visitors": Visitors(lambda: NOW),
        "problems": RecentProblems(),
        "scanners": [] if scene is None else [scene.served],
        "interfaces": [("eth0", ["192.0.2.7/24"])],
        "broken_interfaces": [],
        "discovery": SimpleNamespace(queries=Counter(), answered=Counter(), dropped=Counter(), sent=Counter()),
        "connections": 1,
    }
    return SimpleNamespace(**{**told, **changes})


def with_pages(scene: Scene, **changes: Any) -> Any:
    """The bridge of `scene`, its pages in the scene's tree; `pages` among its attributes ends them."""
    bridge = bridge_of(scene, **changes)
    bridge.pages = Pages(bridge, scene.reactor)
    bridge.pages.register(scene.tree)
    return bridge
