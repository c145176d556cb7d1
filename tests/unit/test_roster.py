"""Scanners that come and go: which are served, under which identity, and what clients see of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from twisted.internet.defer import Deferred

from bridge.discovery.sequence import AppSequence
from bridge.discovery.service import DiscoveryService
from bridge.discovery.target import Target
from bridge.dpws.sinks import SinkRules
from bridge.errors import NotAcceptingJobs, NothingFound, TemporaryError, UsageError
from bridge.finder import Finder
from bridge.http.resources import Tree
from bridge.http.trace import WireTrace
from bridge.identity import MAX_SCANNERS, Identity
from bridge.roster import BOOT_S, PATIENCE_S, RETRY_S, Roster
from bridge.scanner import protocol
from bridge.scanner.model import Device
from bridge.scanner.protocol import Status
from bridge.scanner.spawning import DESCRIBE_TIMEOUT_S, LISTING, WORKER
from bridge.served_scanner import Surroundings
from bridge.settings import Scanner, Settings
from tests.conversations.scene import Sinks
from tests.deferreds import no_result, success_result_of
from tests.fakes.process_reactor import FakeProcess, ProcessReactor
from tests.fakes.scripted_scanner import FLATBED_AND_FEEDER, order
from tests.schema_check import check_datagram
from tests.unit.discovery.links import WLAN0, FakeWire

CANON = Device("genesys:libusb:001:004", "Canon", "LiDE 220", "flatbed", "04a9:190f", "", "1-1")
EPSON = Device("epson2:libusb:001:005", "Epson", "V39", "flatbed", "04b8:013d", "E0815", "1-2")
VIRTUAL = Device("test:0", "Noname", "frontend-tester")
FLATBED = replace(FLATBED_AND_FEEDER, adf_front=None)


class Machine:
    """A machine with USB ports. Every process answers at once, but those in `silent` and those of devices in `deaf`.

    `listed` are the devices that SANE shows, None when listing them fails; `bus` those that are plugged in.
    """

    def __init__(self, directory: Path, *listed: Device, virtual: str = "never", sane_config_dir: str = "") -> None:
        self.reactor = ProcessReactor()
        self.listed: tuple[Device, ...] | None = listed
        self.bus = set(listed)
        self.known_ports: set[str] = set()
        self.deaf: dict[str, Status] = {}
        self.silent: set[str] = set()
        self.capabilities = FLATBED_AND_FEEDER
        self.changes = 0
        self.tree = Tree()
        self.wire = FakeWire(self.reactor)
        self.identity = Identity.load(directory, seed="a machine", now=lambda: 1_000_000.0)
        target = Target(AppSequence(self.identity.instance_id))
        self.discovery = DiscoveryService(
            self.reactor, target, 8018, lambda: [WLAN0], random=Random(5), open_port=self.wire.open
        )
        self.discovery.startService()
        settings = Settings(scanner=Scanner(virtual=virtual, sane_config_dir=sane_config_dir))
        rules = SinkRules(lambda address: True, lambda: ["192.0.2.7"])
        around = Surroundings(settings, self.identity, target, "here", WireTrace(), rules, Sinks())
        self.roster = Roster(
            Finder(settings, self.reactor),
            around,
            self.tree,
            self.discovery,
            self.reactor,
            self._changed,
            lambda: self.known_ports,
            lambda device: not device.port or device in self.bus,
        )

    def _changed(self) -> None:
        self.changes += 1

    # -- what people do --------------------------------------------------------------------------

    def start(self) -> Deferred[None]:
        started = self.roster.start()
        self.run()
        return started

    def plug(self, *devices: Device) -> None:
        """Plug in and wait until all is quiet."""
        self.listed = (*(self.listed or ()), *devices)
        self.bus |= set(devices)
        self.roster.usb_changed()
        self.run()

    def unplug(self, device: Device) -> None:
        """Unplug and wait until all is quiet."""
        self.listed = tuple(each for each in self.listed or () if each.port != device.port)
        self.bus = {each for each in self.bus if each.port != device.port}
        self.roster.unplugged(device.port)
        self.roster.usb_changed()
        self.run()

    def run(self, seconds: float = 3.0) -> None:
        """Let time pass; every process does its work."""
        for _ in range(round(seconds * 10)):
            self._work()
            self.reactor.advance(0.1)
        self._work()

    def _work(self) -> None:
        answered = -1
        while answered != len(self.reactor.processes):
            answered = len(self.reactor.processes)
            for process in self.reactor.processes:
                if process.pid is not None:
                    self._answer(process)

    def _answer(self, process: FakeProcess) -> None:
        if process.module == LISTING:
            if process.environment["SANE_CONFIG_DIR"].endswith("virtual"):
                process.say(protocol.Listed((VIRTUAL,)))
            elif self.listed is not None:
                process.say(protocol.Listed(self.listed))
            process.exit(0)
            return
        assert process.module == WORKER
        told = getattr(process, "told", 0)
        process.told = len(process.heard)  # type: ignore[attr-defined]
        if not hasattr(process, "ready"):
            process.ready = True  # type: ignore[attr-defined]
            process.say(protocol.Ready())
            process.told = told  # type: ignore[attr-defined]
        for command in process.heard[told:]:
            if not isinstance(command, protocol.Describe) or command.device in self.silent:
                continue
            if command.device in self.deaf:
                process.say(protocol.Failed(self.deaf[command.device], "played"))
            else:
                process.say(protocol.Described(self.capabilities))
        process.told = len(process.heard)  # type: ignore[attr-defined]

    # -- what clients see ------------------------------------------------------------------------

    @property
    def served(self) -> list[str]:
        """The devices that are served, by SANE's names."""
        return [scanner.scanner._device.name for scanner in self.roster.scanners]

    @property
    def uuids(self) -> list[str]:
        return [scanner.enrolled.uuid for scanner in self.roster.scanners]

    @property
    def urls(self) -> set[str]:
        """The UUIDs that have a place in the URL tree."""
        return {name.decode() for name in self.tree.children}

    @property
    def said(self) -> list[tuple[str, str]]:
        """Each Hello and Bye once, with its UUID, oldest first; what was told is forgotten."""
        sent, self.wire.sent[:] = list(self.wire.sent), []
        told = []
        for data in dict.fromkeys(one.data for one in sent):
            envelope = check_datagram(data)
            action = envelope.findtext(".//{*}Action").rpartition("/")[2]
            told.append((action, envelope.findtext(".//{*}Address").removeprefix("urn:uuid:")))
        return told

    @property
    def living(self) -> int:
        return sum(process.pid is not None for process in self.reactor.processes)


@pytest.mark.parametrize(
    ("virtual", "plugged", "served"),
    [
        ("auto", (CANON,), [CANON]),
        ("auto", (), [VIRTUAL]),
        ("auto", None, [VIRTUAL]),
        ("never", (CANON,), [CANON]),
        ("never", (), []),
        ("never", None, []),
        ("always", (CANON,), [VIRTUAL]),
    ],
)
def test_the_virtual_scanner_is_served_as_the_settings_say(
    tmp_path: Path, virtual: str, plugged: tuple[Device, ...] | None, served: list[Device]
) -> None:
    """auto: when there is no other; always: it alone; never: not even then."""
    machine = Machine(tmp_path, virtual=virtual)
    machine.listed = plugged
    machine.bus = set(plugged or ())
    success_result_of(machine.start())
    assert machine.served == [device.name for device in served]
    assert [scanner.virtual for scanner in machine.roster.scanners] == [device is VIRTUAL for device in served]


def test_a_configuration_of_ones_own(tmp_path: Path) -> None:
    """scanner.sane_config_dir is where the real scanners' backends are configured."""
    machine = Machine(tmp_path, CANON, sane_config_dir="/srv/sane")
    machine.start()
    assert {process.environment["SANE_CONFIG_DIR"] for process in machine.reactor.processes} == {"/srv/sane"}


@pytest.mark.conformance(42, 49)
def test_plugged_in_is_hello_and_unplugged_is_bye(tmp_path: Path) -> None:
    """With URLs that are there as long as the scanner, and no process left behind."""
    machine = Machine(tmp_path)
    machine.start()
    machine.plug(CANON)
    (uuid,) = machine.uuids
    assert (machine.said, machine.urls, machine.changes) == ([("Hello", uuid)], {uuid}, 1)
    machine.unplug(CANON)
    assert (machine.said, machine.urls, machine.changes) == ([("Bye", uuid)], set(), 2)
    assert machine.living == 0


@pytest.mark.conformance(51, 53)
def test_plugged_in_again_it_is_the_same_scanner(tmp_path: Path) -> None:
    """Under another number on the bus: the same UUID and URLs, one Hello, and no second one later."""
    machine = Machine(tmp_path, CANON)
    machine.start()
    (uuid,) = machine.uuids
    instance = machine.identity.instance_id
    machine.unplug(CANON)
    assert machine.said == [("Hello", uuid), ("Bye", uuid)]
    again = replace(CANON, name="genesys:libusb:001:009")
    machine.plug(again)
    machine.run(120)
    assert (machine.served, machine.uuids, machine.said) == ([again.name], [uuid], [("Hello", uuid)])
    assert machine.identity.instance_id == instance


def test_a_power_cycle_in_less_time_than_events_settle(tmp_path: Path) -> None:
    """Bye and one Hello; the device that SANE opens from now on is the new one."""
    machine = Machine(tmp_path, CANON)
    machine.start()
    (uuid,) = machine.uuids
    assert machine.said == [("Hello", uuid)]
    again = replace(CANON, name="genesys:libusb:001:005")
    machine.listed, machine.bus = (again,), {again}
    machine.roster.unplugged(CANON.port)
    machine.roster.usb_changed()
    machine.run()
    assert (machine.served, machine.said) == ([again.name], [("Bye", uuid), ("Hello", uuid)])


def test_a_replug_of_which_the_events_were_lost(tmp_path: Path) -> None:
    """The look that follows any event finds that the device is another one."""
    machine = Machine(tmp_path, CANON)
    machine.start()
    again = replace(CANON, name="genesys:libusb:001:005")
    machine.listed, machine.bus = (again,), {again}
    machine.roster.usb_changed()
    machine.run()
    assert machine.served == [again.name]
    assert [action for action, _ in machine.said] == ["Hello", "Bye", "Hello"]


def test_another_port_makes_no_other_of_a_scanner_with_a_serial_number(tmp_path: Path) -> None:
    """And of one without it does, because nothing else tells it from its twin."""
    machine = Machine(tmp_path, CANON, EPSON)
    machine.start()
    canon, epson = machine.uuids
    machine.unplug(CANON)
    machine.unplug(EPSON)
    machine.plug(replace(EPSON, port="1-4"), replace(CANON, port="1-3"))
    assert machine.uuids[0] == epson
    assert machine.uuids[1] != canon


def test_two_equal_scanners_without_serial_numbers(tmp_path: Path) -> None:
    """Each is told by its port, whatever the order in which they are plugged in again."""
    twin = replace(CANON, name="genesys:libusb:001:006", port="1-3")
    machine = Machine(tmp_path, CANON, twin)
    machine.start()
    first, second = machine.uuids
    assert first != second
    machine.unplug(CANON)
    machine.unplug(twin)
    machine.plug(replace(twin, name="genesys:libusb:001:020"))
    machine.plug(replace(CANON, name="genesys:libusb:001:021"))
    assert machine.uuids == [second, first]


def test_one_that_does_not_answer_delays_no_other(tmp_path: Path) -> None:
    """It is asked again after growing pauses, and served as soon as it answers; the other is served at once."""
    machine = Machine(tmp_path, CANON, EPSON)
    machine.deaf[CANON.name] = Status.IO_ERROR
    success_result_of(machine.start())
    assert machine.served == [EPSON.name]
    machine.run(sum(RETRY_S[:2]))
    assert machine.served == [EPSON.name]
    del machine.deaf[CANON.name]
    machine.run(RETRY_S[2])
    assert machine.served == [CANON.name, EPSON.name]


def test_start_waits_a_while_for_the_first_answer_of_each(tmp_path: Path) -> None:
    """A scanner that takes its time is on the network when the bridge says that it is ready; one that hangs comes
    later, and keeps the others waiting no longer than that."""
    machine = Machine(tmp_path, CANON, EPSON)
    machine.silent.add(CANON.name)
    started = machine.start()
    no_result(started)
    machine.run(PATIENCE_S - 4)
    no_result(started)
    machine.run(2)
    success_result_of(started)
    assert machine.served == [EPSON.name]
    machine.silent.clear()
    machine.run(DESCRIBE_TIMEOUT_S + RETRY_S[0])
    assert machine.served == [CANON.name, EPSON.name]


def test_one_that_is_unplugged_before_it_answers_is_never_seen(tmp_path: Path) -> None:
    """No Hello, no Bye, no further question."""
    machine = Machine(tmp_path)
    machine.start()
    machine.silent.add(CANON.name)
    machine.plug(CANON)
    machine.unplug(CANON)
    machine.run(200)
    assert (machine.served, machine.said, machine.changes) == ([], [], 0)


def test_a_scanner_that_boots_is_found_without_another_event(tmp_path: Path) -> None:
    """SANE does not list it for some seconds; udev knows that there is one, so it is looked again."""
    machine = Machine(tmp_path)
    machine.start()
    machine.known_ports.add(CANON.port)
    machine.bus.add(CANON)
    machine.roster.usb_changed()
    machine.run(BOOT_S[0] + BOOT_S[1] + 1)
    assert machine.served == []
    machine.listed = (CANON,)
    machine.run(BOOT_S[2])
    assert machine.served == [CANON.name]
    looks = len(machine.reactor.processes)
    machine.run(300)
    assert len(machine.reactor.processes) == looks


def test_a_scanner_that_sane_does_not_know_is_not_looked_for_for_ever(tmp_path: Path) -> None:
    """A device of another maker's driver: a few looks, then silence until the next event."""
    machine = Machine(tmp_path)
    machine.known_ports.add("1-7")
    machine.start()
    machine.run(600)
    assert len(machine.reactor.processes) == 1 + len(BOOT_S)


def test_a_driver_that_does_not_tell_where_its_scanner_is(tmp_path: Path) -> None:
    """It may have the one that udev knows at some port, so nothing is missing."""
    machine = Machine(tmp_path, Device("hpaio:/usb/OfficeJet?serial=CN1", "HP", "OfficeJet"))
    machine.known_ports.add("1-7")
    machine.start()
    processes = len(machine.reactor.processes)
    machine.run(600)
    assert len(machine.reactor.processes) == processes


def test_what_scanners_offered_is_remembered_of_so_many(tmp_path: Path) -> None:
    """A device that tells another serial number at each plug takes no more memory than others."""
    machine = Machine(tmp_path)
    machine.start()
    for number in range(MAX_SCANNERS + 2):
        machine.roster._remember(str(number), FLATBED)
    assert len(machine.roster._offered) == MAX_SCANNERS
    assert "0" not in machine.roster._offered


def test_a_device_that_changes_its_ids_while_it_loads_firmware(tmp_path: Path) -> None:
    """The one that vanishes while it is asked is nobody; the one that comes instead is served, once."""
    raw = replace(CANON, usb_id="04a9:0001")
    machine = Machine(tmp_path)
    machine.start()
    machine.silent.add(raw.name)
    machine.plug(raw)
    machine.listed, machine.bus = (), set()
    machine.roster.unplugged(raw.port)
    ready = replace(CANON, name="genesys:libusb:001:005")
    machine.plug(ready)
    assert machine.served == [ready.name]
    assert [action for action, _ in machine.said] == ["Hello"]


def test_a_device_that_vanishes_whenever_it_is_asked_is_asked_less_and_less(tmp_path: Path) -> None:
    """Otherwise asking and re-appearing would go on for ever, as fast as both can."""
    machine = Machine(tmp_path)
    machine.start()
    for number in range(10, 16):
        device = replace(CANON, name=f"genesys:libusb:001:{number:03}")
        machine.silent.add(device.name)
        machine.plug(device)
        machine.unplug(device)
    asked = [process for process in machine.reactor.processes if process.module == WORKER]
    assert len(asked) == 2
    last = replace(CANON, name="genesys:libusb:001:016")
    machine.plug(last)
    assert machine.served == []
    machine.run(RETRY_S[-1])
    assert machine.served == [last.name]


def test_a_driver_that_does_not_list_what_is_in_use(tmp_path: Path) -> None:
    """What is plugged in stays, whatever is listed; a search that fails takes nothing away."""
    machine = Machine(tmp_path, CANON, EPSON)
    machine.start()
    uuids = machine.uuids
    machine.listed = (EPSON,)
    machine.roster.usb_changed()
    machine.run()
    machine.listed = None
    machine.roster.usb_changed()
    machine.run()
    assert machine.uuids == uuids


def test_a_scanner_without_usb_goes_when_it_is_not_listed(tmp_path: Path) -> None:
    """Nothing else can tell that; but a search that failed tells nothing."""
    scsi = Device("epson:/dev/sg1", "Epson", "Perfection")
    machine = Machine(tmp_path, scsi)
    machine.start()
    machine.listed = None
    machine.roster.look()
    machine.run()
    assert machine.served == [scsi.name]
    machine.listed = ()
    machine.roster.look()
    machine.run()
    assert machine.served == []


def test_what_was_unplugged_during_the_search_is_not_served(tmp_path: Path) -> None:
    """The listing process has seen it, and the bus has not any more."""
    machine = Machine(tmp_path)
    machine.start()
    machine.listed = (CANON,)
    machine.roster.look()
    machine.run()
    assert machine.served == []
    assert len(machine.reactor.processes) == 2


def test_two_drivers_for_one_scanner(tmp_path: Path) -> None:
    """One of them serves it; the other one's Hello would be the same device a second time."""
    other = replace(CANON, name="plustek:libusb:001:004")
    machine = Machine(tmp_path, CANON, other)
    machine.start()
    assert machine.served == [CANON.name]
    machine.unplug(CANON)
    assert machine.served == []


def test_the_virtual_scanner_gives_way_to_a_real_one_and_comes_back(tmp_path: Path) -> None:
    """With Bye and Hello each time; its identity is as lasting as any."""
    machine = Machine(tmp_path, virtual="auto")
    machine.start()
    (virtual,) = machine.uuids
    machine.plug(CANON)
    (real,) = machine.uuids
    machine.unplug(CANON)
    assert machine.uuids == [virtual]
    assert machine.said == [
        *(("Hello", virtual), ("Bye", virtual), ("Hello", real), ("Bye", real), ("Hello", virtual)),
    ]


def test_a_job_ends_truthfully_with_its_scanner(tmp_path: Path) -> None:
    """Its RetrieveImage is refused with what has happened; the job is Aborted because the scanner has stopped."""
    machine = Machine(tmp_path, CANON)
    machine.start()
    (scanner,) = machine.roster.scanners
    job = scanner.queue.create(order())
    image = scanner.queue.retrieve(job.id, job.token, "page")
    refused: list[object] = []
    image.addErrback(lambda failure: refused.append(failure.value))
    machine.run()
    machine.unplug(CANON)
    (error,) = refused
    assert isinstance(error, TemporaryError)
    assert "not connected" in str(error)
    (status,) = scanner.queue.history
    assert (status.state.value, [reason.value for reason in status.reasons]) == ("Aborted", ["ScannerStopped"])
    assert scanner.status.state.value == "Stopped"
    with pytest.raises(NotAcceptingJobs, match="not connected"):
        scanner.queue.create(order())


@pytest.mark.conformance(54, 288)
def test_a_scanner_that_offers_something_else_at_run_time(tmp_path: Path) -> None:
    """A greater InstanceId and a Hello without a Bye; the same answer as before changes nothing."""
    machine = Machine(tmp_path, CANON, EPSON)
    machine.start()
    machine.run()
    assert len(machine.said) == 2
    instance, (uuid, _) = machine.identity.instance_id, machine.uuids
    machine.roster.ask_anew()
    machine.run()
    assert (machine.said, machine.identity.instance_id) == ([], instance)
    machine.capabilities = FLATBED
    machine.roster.usb_changed({CANON.port})
    machine.run()
    assert machine.said == [("Hello", uuid)]
    assert machine.identity.instance_id > instance
    assert machine.roster.scanners[0].scanner.capabilities == FLATBED
    assert machine.roster.scanners[1].scanner.capabilities == FLATBED_AND_FEEDER


def test_a_scanner_that_comes_back_with_something_else_to_offer(tmp_path: Path) -> None:
    """Windows reads capabilities anew only when the InstanceId says that the device has started anew."""
    machine = Machine(tmp_path, CANON)
    machine.start()
    instance = machine.identity.instance_id
    machine.unplug(CANON)
    machine.capabilities = FLATBED
    machine.plug(CANON)
    assert machine.identity.instance_id > instance


def test_stopping_ends_all_that_goes_on(tmp_path: Path) -> None:
    """Also what is leaving at that moment, and nothing is asked or looked for afterwards."""
    machine = Machine(tmp_path, CANON, EPSON)
    machine.deaf[EPSON.name] = Status.IO_ERROR
    machine.known_ports.add("1-9")
    machine.start()
    for process in machine.reactor.processes:
        process.obedient = False
    machine.roster.unplugged(CANON.port)
    stopped = machine.roster.stop()
    no_result(stopped)
    processes = len(machine.reactor.processes)
    machine.run(200)
    success_result_of(stopped)
    assert len(machine.reactor.processes) == processes


def test_scanners_by_name(tmp_path: Path) -> None:
    """A part of the name or the UUID names one; none and several are told."""
    machine = Machine(tmp_path, CANON, EPSON)
    machine.start()
    roster = machine.roster
    assert roster.scanner_named("lide").enrolled.uuid == machine.uuids[0]
    assert roster.scanner_named(machine.uuids[1]).scanner.name == "Epson V39 (here)"
    with pytest.raises(NothingFound, match="'Agfa'"):
        roster.scanner_named("Agfa")
    with pytest.raises(UsageError, match=r"Canon LiDE 220 \(here\), Epson V39 \(here\)"):
        roster.scanner_named(None)
    with pytest.raises(NothingFound, match="plugged in"):
        Machine(tmp_path).roster.scanner_named(None)
