"""Faults of a set-up, each built for real: the doctor names the right cause, with a remedy.

    10.99.0.1 the bridge's machine  ----- cable -----  10.99.0.2 a PC
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.fixtures import Chaos, chaos, chaos_library  # noqa: F401
from tests.chaos.order import Fault, Order
from tests.doctor.ward import NOBODY, Ward, daemon_on
from tests.fakes import wsd_client
from tests.interop.daemon import REPOSITORY, running
from tests.interop.discovery_client import Client
from tests.interop.namespaces import INTERFACE, Cable
from tests.interop.test_discovery_netns import neighbour  # noqa: F401

HTTP = "8018"


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


@pytest.fixture
def ward(cable: Cable, tmp_path: Path) -> Ward:
    """A machine without a bridge."""
    return Ward(cable.first, tmp_path)


def test_a_set_up_that_is_well(cable: Cable, tmp_path: Path) -> None:
    """With a bridge that works nothing is broken: it is found by multicast, and a small scan comes through."""
    with running(daemon_on(cable.first, tmp_path)) as daemon:
        report = Ward(cable.first, tmp_path).examine(config=daemon.config)
    assert report.trouble() == [
        f"warning scanner: {daemon_name(report)} is the virtual scanner, whose pages are test pictures"
    ]
    assert report.status == 1
    assert report.praises("network", f"{INTERFACE} is used: 10.99.0.1/24")
    assert report.praises("discovery", "a search by multicast finds")
    assert report.praises("scan", "came through the network")


def daemon_name(report: object) -> str:
    """The scanner's name, from the finding about it."""
    (text,) = [one["text"] for one in report.findings if one["topic"] == "scan"]  # type: ignore[attr-defined]
    return text.removeprefix("a small page of ").partition(" came through")[0]


def test_no_bridge_runs(ward: Ward) -> None:
    """That nothing is started is said first of all."""
    report = ward.examine()
    assert report.status == 2
    assert report.blames("bridge", "no bridge is running on this machine")
    assert report.trouble()[0].startswith("broken bridge")


def test_the_port_is_taken(ward: Ward) -> None:
    """The program that holds the HTTP port is named."""
    holder = ward.host.socket(socket.AF_INET, socket.SOCK_STREAM)
    with holder:
        holder.bind(("", int(HTTP)))
        holder.listen()
        report = ward.examine()
    assert report.blames("ports", f"TCP port {HTTP} is held by")
    assert report.blames("ports", "so the bridge cannot start")


def test_another_bridge_has_the_port(cable: Cable, tmp_path: Path) -> None:
    """Two bridges on one machine: the second one hears that it is the first that is in its way."""
    other = tmp_path / "other"
    other.mkdir()
    with running(daemon_on(cable.first, tmp_path)) as daemon:
        settings = {"network": {"interfaces": [INTERFACE], "http_port": daemon.status()["http_port"]}}
        report = Ward(cable.first, other, settings).examine()
    assert report.blames("bridge", "no bridge is running")
    assert report.blames("ports", "is held by python")


def test_the_search_port_is_taken(cable: Cable, tmp_path: Path) -> None:
    """A program that holds UDP 3702 for itself alone keeps searches away, and is named."""
    holder = cable.first.socket(socket.AF_INET)
    with holder:
        holder.bind(("", 3702))
        daemon = daemon_on(cable.first, tmp_path)
        daemon.start()
        report = Ward(cable.first, tmp_path).examine("--no-scan", config=daemon.config)
        with pytest.raises(AssertionError, match="logged an error that nobody handled"):
            daemon.stop()
    assert report.blames("ports", f"the bridge hears no search on {INTERFACE} (IPv4): UDP port 3702 is held by python")


def test_wsdd_has_the_port(cable: Cable, tmp_path: Path, neighbour: tuple[str, ...]) -> None:  # noqa: F811
    """The usual port of WSD belongs to wsdd where that runs, and it is named."""
    cable.first.start(*neighbour)
    with (pc := Client(cable.second, socket.AF_INET)).socket:
        pc.find()
    settings = {"network": {"interfaces": [INTERFACE], "http_port": 5357}}
    report = Ward(cable.first, tmp_path, settings).examine()
    assert report.blames("ports", "TCP port 5357 is held by")
    assert any("wsdd" in one["text"] for one in report.findings if one["topic"] == "ports")


def test_wsdd_beside_the_bridge_is_no_fault(cable: Cable, tmp_path: Path, neighbour: tuple[str, ...]) -> None:  # noqa: F811
    """Both share the port of searches; the doctor says so, and that both are well."""
    cable.first.start(*neighbour)
    with running(daemon_on(cable.first, tmp_path)) as daemon:
        with (pc := Client(cable.second, socket.AF_INET)).socket:
            pc.find()
        report = Ward(cable.first, tmp_path).examine("--no-scan", config=daemon.config)
    assert report.praises("ports", "UDP port 3702 is shared with")
    assert report.praises("discovery", "a search by multicast finds")


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        ("link set lan0 down", "lan0 is not used: it is switched off"),
        ("link set lan0 multicast off", "lan0 is not used: it does no multicast"),
    ],
)
def test_an_interface_that_cannot_be_used(cable: Cable, tmp_path: Path, damage: str, text: str) -> None:
    """Each interface that is not used is named, with the reason and the command that mends it."""
    cable.first.ip(damage)
    report = Ward(cable.first, tmp_path, {"network": {"interfaces": []}}).examine()
    assert report.blames("network", text, "warning")
    assert report.blames("network", "scanners are shown on no interface")


def test_the_cable_is_out(cable: Cable, tmp_path: Path) -> None:
    """An interface that is up without anything at the other end is another fault than one that is off."""
    cable.second.ip(f"link set {INTERFACE} down")
    cable.first.until_unplugged()
    report = Ward(cable.first, tmp_path, {"network": {"interfaces": []}}).examine()
    assert report.blames("network", f"{INTERFACE} is not used: it has no cable or no WLAN", "warning")


def test_no_address(cable: Cable, tmp_path: Path) -> None:
    """No router gave an address."""
    cable.first.ip(f"addr flush dev {INTERFACE}")
    report = Ward(cable.first, tmp_path, {"network": {"interfaces": []}}).examine()
    assert report.blames("network", f"{INTERFACE} is not used: it has no address", "warning")


def test_a_made_up_address(cable: Cable, tmp_path: Path) -> None:
    """An address from 169.254/16 means that the router was not reached."""
    cable.first.ip(f"addr flush dev {INTERFACE}")
    cable.first.ip(f"addr add 169.254.7.7/16 dev {INTERFACE}")
    report = Ward(cable.first, tmp_path, {"network": {"interfaces": []}}).examine()
    assert report.blames("network", f"{INTERFACE} got no address from a router and made 169.254.7.7 up", "warning")


def test_a_named_interface_is_missing(cable: Cable, tmp_path: Path) -> None:
    """The setting names an adapter that was unplugged, or is called otherwise now."""
    report = Ward(cable.first, tmp_path, {"network": {"interfaces": ["wlan7"]}}).examine()
    assert report.blames("network", "network.interfaces names wlan7, which this machine does not have")


def test_a_wrong_setting(ward: Ward) -> None:
    """The line of the file is told, and the rest is examined all the same."""
    ward.config.write_text("[network]\nhttp_prot = 8018\n", encoding="utf-8")
    report = ward.examine()
    assert report.blames("settings", "network.http_prot: there is no such setting; expected http_port")
    assert report.blames("bridge", "no bridge")


def test_the_clock_was_never_set(ward: Ward) -> None:
    """A board without a battery begins in 1970."""
    report = ward.examine(before=["faketime", "-f", "@1970-01-02 00:00:00"])
    assert report.blames("clock", "this machine thinks that it is 1970-01-0")


@contextmanager
def disk(place: Path, options: str) -> Iterator[None]:
    """A small disk of its own at `place`."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_the_disk_is_full(ward: Ward) -> None:
    """The disk with the state has no room left."""
    with disk(ward.directory / "state", "size=64k"):
        with pytest.raises(OSError, match="space"):
            (ward.directory / "state" / "log").write_bytes(b"x" * 100_000)
        report = ward.examine()
    assert report.blames("state", "the disk with")
    assert report.blames("state", "is full")


def test_the_disk_is_read_only(ward: Ward) -> None:
    """A worn card is mounted read-only by the kernel."""
    with disk(ward.directory / "state", "ro"):
        report = ward.examine()
    assert report.blames("state", "is on a disk that is read-only")


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that everybody can look into, with a copy of the program that everybody can run."""
    place = Path(tempfile.mkdtemp(prefix="scanbridge-doctor-"))
    try:
        compiled = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / "bridge", place / "source" / "bridge", ignore=compiled)
        subprocess.run(["chmod", "-R", "a+rX", str(place)], check=True)
        yield place
    finally:
        shutil.rmtree(place)


def test_the_state_belongs_to_somebody_else(cable: Cable, open_place: Path) -> None:
    """The bridge's user may not write where its state lies."""
    (open_place / "state").mkdir(mode=0o755)
    ward = Ward(cable.first, open_place)
    report = ward.examine(before=NOBODY, source=open_place / "source", environment={"PATH": "/usr/sbin:/usr/bin:/bin"})
    assert report.blames("state", "cannot be written: Permission denied")


def test_the_bridge_may_not_be_asked(cable: Cable, open_place: Path) -> None:
    """Who is in no group of the service cannot ask it, which is another thing than that it does not run."""
    with running(daemon_on(cable.first, open_place)) as daemon:
        daemon.config.chmod(0o644)
        report = Ward(cable.first, open_place).examine(
            config=daemon.config,
            before=NOBODY,
            source=open_place / "source",
            environment={"PATH": "/usr/sbin:/usr/bin:/bin"},
        )
    assert report.blames("bridge", "no permission; ask as root or as a member of the socket's group")


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("nosuchscanner\n", "the configuration names nosuchscanner, and there is no such driver on this machine"),
        ("# all of them are commented out\n", "no driver is named in"),
    ],
)
def test_a_driver_is_missing(cable: Cable, tmp_path: Path, lines: str, text: str) -> None:
    """The configuration names a backend that is not installed, or none."""
    folder = tmp_path / "sane"
    folder.mkdir()
    (folder / "dll.conf").write_text(lines, encoding="ascii")
    settings = {"scanner": {"virtual": "never", "sane_config_dir": str(folder)}}
    report = Ward(cable.first, tmp_path, settings).examine()
    assert report.blames("drivers", text)
    assert report.blames("scanner", "SANE finds no scanner on this machine")


def test_the_drivers_folder_is_missing(cable: Cable, tmp_path: Path) -> None:
    """The setting names a folder that is not there."""
    settings = {"scanner": {"virtual": "never", "sane_config_dir": "/nowhere"}}
    report = Ward(cable.first, tmp_path, settings).examine()
    assert report.blames("drivers", "the folder /nowhere of scanner.sane_config_dir does not exist")


def chaos_settings(chaos: Chaos) -> dict[str, dict[str, object]]:  # noqa: F811
    return {"scanner": {"virtual": "never", "sane_config_dir": chaos.config}}


def test_the_scanner_is_unplugged(cable: Cable, tmp_path: Path, chaos: Chaos) -> None:  # noqa: F811
    """A scanner that was there, and is not any more: SANE finds none, and the scan fails."""
    with running(daemon_on(cable.first, tmp_path, chaos_settings(chaos))) as daemon:
        chaos.order(Order(devices=0, faults=[Fault("open", "status", 9)]))
        report = Ward(cable.first, tmp_path).examine(config=daemon.config)
    assert report.blames("scanner", "SANE finds no scanner on this machine")
    assert report.blames("scan", "was found, and a small scan failed")


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("open", "status", 3), "another program on the bridge's computer is using the scanner"),
        (Fault("open", "status", 11), "the bridge may not use the scanner"),
        (Fault("start", "crash"), "driver crashed"),
        (Fault("start", "status", 8), "cover is open"),
    ],
)
def test_a_scanner_that_does_not_work(
    cable: Cable,
    tmp_path: Path,
    chaos: Chaos,  # noqa: F811
    fault: Fault,
    text: str,
) -> None:
    """Held by another program, forbidden, with a driver that crashes, open: the small scan says which it is."""
    with running(daemon_on(cable.first, tmp_path, chaos_settings(chaos))) as daemon:
        chaos.order(Order(faults=[fault]))
        report = Ward(cable.first, tmp_path).examine(config=daemon.config)
        # The job of a cover that is open waits for it to be closed, but for the doctor that has gone.
        daemon.wait_for(lambda scanner: not scanner["active_jobs"])
    assert report.blames("scan", text)


def test_two_bridges_with_one_identity(cable: Cable, tmp_path: Path) -> None:
    """A cloned card: the same scanner is shown from two addresses."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    with running(daemon_on(cable.first, first)) as daemon:
        shutil.copytree(first, second, ignore=shutil.ignore_patterns("*.sock", "violations"))
        with running(daemon_on(cable.second, second)):
            report = Ward(cable.first, first).examine("--no-scan", config=daemon.config)
    assert report.blames("identity", "is shown by another machine, too, with the same identity: 10.99.0.2")


def test_a_pc_in_another_subnet(cable: Cable, tmp_path: Path) -> None:
    """A PC on the same cable with an address of another network is turned away; that it tried is known."""
    cable.second.ip(f"addr add 10.77.0.2/24 dev {INTERFACE}")
    cable.second.ip(f"addr del {cable.second.ipv4}/24 dev {INTERFACE}")
    with running(daemon_on(cable.first, tmp_path)) as daemon:
        pc = Client(cable.second, socket.AF_INET)
        with pc.socket:
            while not daemon.status()["strangers"]:
                pc.ask(wsd_client.probe())
            report = Ward(cable.first, tmp_path).examine("--no-scan", config=daemon.config)
    assert report.blames("clients", "10.77.0.2 tried (search) and was turned away: it is in another network", "warning")


def test_a_pc_that_gets_no_further_than_the_search(cable: Cable, tmp_path: Path) -> None:
    """A PC that searched, was answered, and never came for the description: the connection is the trouble."""
    with running(daemon_on(cable.first, tmp_path)) as daemon:
        pc = Client(cable.second, socket.AF_INET)
        with pc.socket:
            pc.find()
            report = Ward(cable.first, tmp_path).examine("--no-scan", config=daemon.config)
    text = "10.99.0.2: it searched and was answered, but never came to ask what was found"
    assert report.blames("clients", text, "warning")


def drop(rule: str) -> Callable[[Cable], None]:
    """A firewall with one rule."""

    def lay(cable: Cable) -> None:
        commands = f"add table inet wall\nadd chain inet wall in {{ type filter hook input priority 0; {rule}\n"
        nft(cable, commands)

    return lay


def nft(cable: Cable, commands: str) -> None:
    """Load firewall rules on the bridge's machine."""
    subprocess.run(["ip", "netns", "exec", cable.first.name, "nft", "-f", "-"], input=commands, text=True, check=True)


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ("policy accept; }\nadd rule inet wall in udp dport 3702 drop", "a firewall rule keeps UDP port 3702 out"),
        ("policy accept; }\nadd rule inet wall in tcp dport 8018 reject", "a firewall rule keeps TCP port 8018 out"),
        (
            "policy drop; }\nadd rule inet wall in tcp dport 22 accept",
            "this machine's firewall lets only exceptions in, and UDP 3702, TCP 8018 is none of them",
        ),
    ],
)
def test_a_firewall(cable: Cable, ward: Ward, rules: str, text: str) -> None:
    """A rule against one of the ports, or a wall without a gate for them."""
    drop(rules)(cable)
    assert ward.examine().blames("firewall", text)


def test_multicast_is_blocked(cable: Cable, tmp_path: Path) -> None:
    """Where multicast does not leave, a search of our own finds nothing, and that is said."""
    nft(
        cable,
        "add table inet wall\nadd chain inet wall out { type filter hook output priority 0; }\n"
        "add rule inet wall out ip daddr 239.255.255.250 drop\nadd rule inet wall out ip6 daddr ff02::c drop\n",
    )
    with running(daemon_on(cable.first, tmp_path)) as daemon:
        report = Ward(cable.first, tmp_path).examine(config=daemon.config)
    assert report.blames("discovery", "a search by multicast does not find")


def test_no_route_for_multicast_is_no_fault(cable: Cable, tmp_path: Path) -> None:
    """The bridge names the interface of each datagram, so no route is needed; a forbidding one does no harm."""
    cable.first.ip("route add unreachable 224.0.0.0/4")
    with running(daemon_on(cable.first, tmp_path)) as daemon:
        report = Ward(cable.first, tmp_path).examine("--no-scan", config=daemon.config)
    assert report.praises("discovery", "a search by multicast finds")
