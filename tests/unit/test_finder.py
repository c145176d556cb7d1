"""Which scanners are served: real ones, else the virtual one, as the settings say."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from bridge.finder import Finder, Found
from bridge.scanner import protocol
from bridge.scanner.model import Device
from bridge.settings import Scanner, Settings
from tests.deferreds import success_result_of
from tests.fakes.process_reactor import ProcessReactor

REAL = Device("genesys:libusb:001:004", "Canon", "LiDE 220")
VIRTUAL = Device("test:0", "Noname", "frontend-tester")


def find(virtual: str, plugged: tuple[Device, ...] | None, sane_config_dir: str = "") -> list[Found]:
    """What is found when `plugged` are the real scanners; None means that looking for them fails."""
    reactor = ProcessReactor()
    settings = Settings(scanner=Scanner(virtual=virtual, sane_config_dir=sane_config_dir))
    finding = Deferred.fromCoroutine(Finder(settings, reactor).find())
    answered = 0
    while answered < len(reactor.processes):
        process = reactor.processes[answered]
        answered += 1
        directory = process.environment["SANE_CONFIG_DIR"]
        if directory.endswith("virtual"):
            process.say(protocol.Listed((VIRTUAL,)))
        elif plugged is not None:
            assert directory.startswith(sane_config_dir)
            process.say(protocol.Listed(plugged))
        process.exit(0)
    return success_result_of(finding)


@pytest.mark.parametrize(
    ("virtual", "plugged", "served"),
    [
        ("auto", (REAL,), [REAL]),
        ("auto", (), [VIRTUAL]),
        ("auto", None, [VIRTUAL]),
        ("never", (REAL,), [REAL]),
        ("never", (), []),
        ("always", (REAL,), [VIRTUAL]),
    ],
)
def test_the_virtual_scanner_is_served_as_the_settings_say(
    virtual: str, plugged: tuple[Device, ...] | None, served: list[Device]
) -> None:
    """auto: when there is no other; always: it alone; never: not even then."""
    found = find(virtual, plugged)
    assert [each.device for each in found] == served
    assert [each.virtual for each in found] == [device is VIRTUAL for device in served]


def test_a_configuration_of_ones_own() -> None:
    """scanner.sane_config_dir is where the real scanners' backends are configured."""
    assert [each.device for each in find("never", (REAL,), "/srv/sane")] == [REAL]
