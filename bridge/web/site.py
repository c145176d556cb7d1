"""All pages for people and programs, put into the URL tree beside the scanners."""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls
from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource

from bridge.web.actions import actions
from bridge.web.events import Events
from bridge.web.guard import Guard
from bridge.web.pages import ASSETS, Asset, Front, Metrics, StatusJson, TestScans
from bridge.web.status import Running
from bridge.web.trials import Trials


class Pages:
    """The pages of `bridge`; `clock` is the reactor's."""

    def __init__(self, bridge: Running, clock: IReactorTime) -> None:
        guard = Guard()
        trials = Trials()
        self._events = Events(guard, bridge, clock)
        self._places: dict[bytes, Resource] = {
            b"": Front(guard, bridge),
            b"status.json": StatusJson(guard, bridge),
            b"metrics": Metrics(guard, bridge),
            b"events": self._events,
            b"test-scan": TestScans(guard, trials),
            b"do": actions(guard, bridge, trials),
            **{name.encode("ascii"): Asset(guard, name) for name in ASSETS},
        }

    def register(self, tree: Resource) -> None:
        """Answer at the root of `tree` from now on."""
        for name, resource in self._places.items():
            tree.putChild(name, resource)

    def close(self) -> None:
        """End what would never end by itself."""
        self._events.close()
