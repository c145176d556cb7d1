"""Checks of the network: interfaces, ports, firewall, and the computers that came."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address

from bridge.discovery import netif
from bridge.discovery.multicast import PORT
from bridge.doctor.finding import Finding, broken, ok, warning
from bridge.doctor.patient import Patient
from bridge.doctor.sockets import holders

FIREWALL_REMEDY = "firewall-cmd --add-service=scanbridge, or ufw allow Scanbridge, or let in UDP 3702 and TCP {port}"


def interfaces(patient: Patient) -> Iterator[Finding]:
    """Each interface: whether scanners are shown on it, and why not."""
    named = patient.settings.network.interfaces
    kernel = netif.Kernel()
    used = {one.name: one for one in netif.interfaces(named, patient.settings.network.ipv6, kernel)}
    present = kernel.names()
    for name in named:
        if name not in present:
            there = ", ".join(present)
            yield broken(
                "network",
                f"the setting network.interfaces names {name}, which this machine does not have",
                f"change the setting; there are {there}. Or plug the adapter in",
            )
    for name in present:
        if name in used:
            one = used[name]
            addresses = ", ".join(str(own) for own in (*one.ipv4, *one.ipv6, *one.link_local))
            yield ok("network", f"{name} is used: {addresses}")
            if one.ipv4 and all(own.ip.is_link_local for own in one.ipv4):
                yield warning(
                    "network",
                    f"{name} got no address from a router and made {one.ipv4[0].ip} up",
                    "check the cable to the router, and that it gives addresses (DHCP)",
                )
        else:
            yield _unused(name, named, kernel)
    if not used:
        yield broken(
            "network",
            "scanners are shown on no interface: nobody can find them",
            "plug in a cable or join a WLAN; the lines above say what is wrong with each interface",
        )


def _unused(name: str, named: tuple[str, ...], kernel: netif.Kernel) -> Finding:
    flags = kernel.flags(name)
    if named and name not in named:
        return ok("network", f"{name} is not used, because network.interfaces names others")
    if flags & netif.IFF_LOOPBACK:
        return ok("network", f"{name} is not used: it leads nowhere")
    if not flags & netif.IFF_UP:
        return warning("network", f"{name} is not used: it is switched off", f"ip link set {name} up")
    if not flags & netif.IFF_RUNNING:
        return warning("network", f"{name} is not used: it has no cable or no WLAN", "plug it in, or join one")
    if not flags & netif.IFF_MULTICAST:
        return warning(
            "network",
            f"{name} is not used: it does no multicast, by which scanners are found",
            f"ip link set {name} multicast on; a VPN's interface never does",
        )
    if not {socket.AF_INET, socket.AF_INET6} & kernel.addresses(name).keys():
        return warning("network", f"{name} is not used: it has no address", "check the router's DHCP, or set one")
    if flags & netif.IFF_POINTOPOINT:
        return ok("network", f"{name} is not used: it is a tunnel")
    return ok("network", f"{name} is not used: it belongs to a bridge, to containers, or has no usable address")


def ports(patient: Patient) -> Iterator[Finding]:
    """Who holds the two ports that the bridge needs."""
    port = patient.port
    tcp = holders("tcp", port) if port else []
    if patient.status is None:
        for holder in tcp:
            if holder.ours:
                yield broken(
                    "ports",
                    f"TCP port {port} is held by another bridge: {holder}",
                    "stop that one first; two bridges on a machine need different ports, states and sockets",
                )
            else:
                yield broken(
                    "ports",
                    f"TCP port {port} is held by {holder}, so the bridge cannot start",
                    "stop that program, or set network.http_port to another number, such as 8019",
                )
    elif tcp:
        yield ok("ports", f"TCP port {port} is held by {tcp[0]}")
    for name in (patient.status or {}).get("broken_interfaces") or []:
        others = ", ".join(str(holder) for holder in holders("udp", PORT) if not holder.ours) or "another program"
        yield broken(
            "ports",
            f"the bridge hears no search on {name}: UDP port {PORT} is held by {others}, which does not share it",
            "stop that program; a wsdd of version 0.7 or newer shares the port",
        )
    for holder in holders("udp", PORT):
        if not holder.ours and not (patient.status or {}).get("broken_interfaces"):
            if patient.status is None:
                yield warning(
                    "ports",
                    f"UDP port {PORT} is held by {holder}",
                    "if the bridge cannot listen beside it, stop it; wsdd shares the port",
                )
            else:
                yield ok("ports", f"UDP port {PORT} is shared with {holder}")


def firewall(patient: Patient) -> Iterator[Finding]:
    """Whether a firewall on this machine is seen to keep computers out; root only can see it."""
    remedy = FIREWALL_REMEDY.format(port=patient.port)
    rules, seen = _rules()
    if not seen:
        yield ok("firewall", "whether there is one cannot be seen (without root, or without nft and iptables)")
        return
    wanted = {"udp": PORT, "tcp": patient.port}
    for kind, port in wanted.items():
        verdict = _verdict(rules, kind, port)
        if verdict:
            yield broken("firewall", f"a firewall rule keeps {kind.upper()} port {port} out: {verdict}", remedy)
    drops = re.search(r"hook input [^\n]*policy drop|^-P INPUT (?:DROP|REJECT)", rules, re.MULTILINE)
    opened = [port for port in wanted.values() if re.search(rf"\b{port}\b", rules)]
    if drops and len(opened) < 2:
        missing = ", ".join(f"{kind.upper()} {port}" for kind, port in wanted.items() if port not in opened)
        yield broken(
            "firewall", f"this machine's firewall lets only exceptions in, and {missing} is none of them", remedy
        )
    elif not drops:
        yield ok("firewall", "no rule of this machine is seen that keeps everything out")
    else:
        yield ok("firewall", f"both ports are among the exceptions: UDP {PORT}, TCP {patient.port}")


def _verdict(rules: str, kind: str, port: int) -> str:
    """The rule that names the port and drops it."""
    for line in rules.splitlines():
        names = re.search(rf"\b{kind} dport (?:\{{[^}}]*\b{port}\b[^}}]*\}}|{port}\b)", line) or (
            re.search(rf"^-A INPUT\b.*-p {kind}\b.*--dports? \S*\b{port}\b", line)
        )
        if names and re.search(r"\b(?:drop|reject|DROP|REJECT)\b", line):
            return line.strip()[:120]
    return ""


def _rules() -> tuple[str, bool]:
    """All rules as text, and whether they could be read."""
    text, seen = "", False
    for command in (["nft", "list", "ruleset"], ["iptables", "-S", "INPUT"], ["ip6tables", "-S", "INPUT"]):
        path = shutil.which(command[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
        if path is None:
            continue
        try:
            ended = subprocess.run([path, *command[1:]], capture_output=True, text=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if ended.returncode == 0:
            text, seen = text + ended.stdout, True
    return text, seen


def clients(patient: Patient) -> Iterator[Finding]:
    """What the computers did that came, Windows first: the stage at which one stopped is the diagnosis."""
    status = patient.status
    if status is None:
        return
    own = [address for each in status.get("interfaces") or [] for address in each.get("addresses") or []]
    ours = {address.partition("/")[0].partition("%")[0] for address in own}
    others = [one for one in status.get("clients") or [] if one["client"] not in ours]
    told = sorted(others, key=lambda one: not one.get("windows"))
    for one in told:
        if ip_address(one["client"]).is_loopback:
            continue
        kind = "Windows" if one.get("windows") else one.get("agent") or "a computer"
        text = f"{kind} at {one['client']}: {one.get('meaning')}"
        if one.get("stage") in ("subscribed", "image"):
            yield ok("clients", text)
        else:
            yield warning("clients", text, str(one.get("advice")))
    for one in status.get("strangers") or []:
        yield warning(
            "clients",
            f"{one['client']} tried ({one.get('way')}) and was turned away: it is in another network than "
            f"{', '.join(own)}",
            "give it an address of this network; or, across a router, name its network in network.allow and add the "
            "scanner on it by address, because searches do not cross routers",
        )
    if not told and not status.get("strangers"):
        yield ok("clients", "no computer has asked since the start; on Windows, choose Add device and ask again")
