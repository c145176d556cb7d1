"""The whole page, and the parts of it that are not about one scanner: Windows, problems, settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from twisted.web.template import Tag, tags

from bridge.settings import declared
from bridge.web.pauses import Later
from bridge.web.sections import Status, moment, scanner_section
from bridge.web.words import STAGES

WINDOWS_STEPS = (
    ("Windows 11", "Settings, Bluetooth & devices, Printers & scanners, Add device."),
    ("Windows 10", "Settings, Devices, Printers & scanners, Add a printer or scanner."),
    ("Windows 8.1", "PC settings, PC and devices, Devices, Add a device."),
    ("Windows 7", "Control Panel, Devices and Printers, Add a device."),
)


def front(status: Status, token: str, notice: tuple[str, str] | None = None) -> Tag:
    """The page; `notice` is a kind (good or bad) and a sentence about what was just done."""
    scanners: list[Tag | Later] = [Later(partial(scanner_section, scanner, token)) for scanner in status["scanners"]]
    return document(
        "Scanbridge",
        tags.header(tags.h1("Scanbridge"), _live("summary", _summary(status))),
        Tag("main")(
            *(_notices(notice)),
            *(scanners or [_no_scanner()]),
            Later(partial(_windows, status)),
            Later(partial(_problems, status)),
            Later(partial(_settings, status)),
        ),
        tags.footer(
            tags.p(
                tags.a("The same as JSON", href="/status.json"),
                " · ",
                tags.a("Metrics", href="/metrics"),
                f" · Scanbridge {status['version']}, running since ",
                moment(status["since"]),
            )
        ),
    )


def document(title: str, *content: Tag) -> Tag:
    """A page of its own around `content`."""
    return tags.html(
        tags.head(
            tags.meta(charset="utf-8"),
            tags.meta(name="viewport", content="width=device-width, initial-scale=1"),
            tags.meta(name="color-scheme", content="light dark"),
            tags.title(title),
            tags.link(rel="stylesheet", href="/style.css"),
            tags.link(rel="icon", href="/icon.svg"),
            tags.script(src="/live.js", defer="defer"),
        ),
        tags.body(*content),
        lang="en",
    )


def _live(name: str, *content: Tag) -> Tag:
    return tags.div(*content, id=name, class_="live")


def _notices(notice: tuple[str, str] | None) -> list[Tag]:
    lost = tags.p(
        "The bridge does not answer. What you see is old; it is asked again by itself.",
        **{"id": "lost", "class": "notice bad", "role": "alert", "hidden": "hidden"},
    )
    if notice is None:
        return [lost]
    kind, sentence = notice
    return [lost, tags.p(sentence, **{"class": f"notice {kind}", "role": "alert" if kind == "bad" else "status"})]


def _summary(status: Status) -> Tag:
    if not status["ready"]:
        return tags.p("The bridge is starting, or stopping.")
    count = len(status["scanners"])
    where = ", ".join(one["name"] for one in status["interfaces"]) or "no network: only this machine can scan"
    return tags.p(f"{count or 'No'} scanner{'' if count == 1 else 's'} on the network, shown on {where}.")


def _no_scanner() -> Tag:
    return tags.section(
        tags.h2("No scanner", id="none"),
        tags.p("No scanner answers. Plug one in and switch it on; it appears here by itself."),
        tags.p("On the bridge's machine, ", tags.code("scanbridge doctor"), " says what it sees."),
        **{"class": "card", "aria-labelledby": "none"},
    )


def _windows(status: Status) -> Tag:
    steps = [tags.li(tags.strong(name), ": ", how) for name, how in WINDOWS_STEPS]
    return tags.section(
        tags.h2("Windows", id="windows"),
        tags.p("Add the scanner on the PC. Nothing needs to be installed; the PC's network must be a private one."),
        tags.ul(*steps, class_="steps"),
        tags.p("Then scan with Windows Scan from the Microsoft Store, or with Windows Fax and Scan."),
        _live("clients", _clients(status), _listeners(status)),
        **{"class": "card", "aria-labelledby": "windows"},
    )


def _clients(status: Status) -> Tag:
    clients = sorted(status["clients"], key=lambda one: not one["windows"])
    own = _own_addresses(status)
    parts: list[Tag | Later] = [tags.h3("Computers seen")]
    if all(one["client"] in own for one in clients):
        parts.append(
            tags.p(
                "None yet. If a PC has just searched, its question did not arrive here: the PC is in another network "
                "(a guest network, or a VPN), the access point keeps its clients apart, or a firewall on this machine "
                "does not let UDP port 3702 in.",
                class_="hint",
            )
        )
    parts += [Later(partial(_client, one, "this machine" if one["client"] in own else "computer")) for one in clients]
    if status["strangers"]:
        last = status["strangers"][-1]
        parts.append(
            tags.p(
                f"{last['client']} tried too and was turned away, because it is in another network. Put it into "
                "this network; if there is a router between, name its network in the setting network.allow, and note "
                "that Windows cannot search across routers.",
                class_="remedy",
            )
        )
    return tags.div(*parts)


def _own_addresses(status: Status) -> set[str]:
    """This machine's addresses: whoever comes from there is no PC that was added."""
    shown = [address for one in status["interfaces"] for address in one["addresses"]]
    return {"127.0.0.1", "::1", *(address.partition("/")[0].partition("%")[0] for address in shown)}


def _client(client: Mapping[str, Any], usual: str) -> Tag:
    reached = client["stages"]
    stages = [
        tags.li(
            name,
            **{"class": "reached" if stage in reached else "open"},
            title=f"{reached[stage]['count']} times" if stage in reached else "not seen",
        )
        for stage, name in STAGES.items()
    ]
    kind = "Windows PC" if client["windows"] else client["agent"] or usual
    refused = client["refused"]
    lines = [
        tags.h4(kind, " ", tags.code(client["client"])),
        tags.ol(*stages, **{"class": "stages", "aria-label": "How far it got"}),
        tags.p("So far ", client["meaning"], ". ", client["advice"]),
    ]
    if refused:
        lines.append(
            tags.p(f"Its {refused['action']} was refused (HTTP {refused['http_status']}) at ", moment(refused["at"]))
        )
    return tags.div(*lines, class_="client")


def _listeners(status: Status) -> Tag:
    if not status["subscriptions"]:
        return tags.p("No computer listens for events at the moment.")
    items = [
        tags.li(
            tags.code(one["client"]),
            " until ",
            moment(one["expires"]),
            ": ",
            ", ".join(place["name"] for place in one.get("destinations", ())) or ", ".join(one["events"]),
        )
        for one in status["subscriptions"]
    ]
    return tags.details(tags.summary(f"{len(items)} subscriptions"), tags.ul(*items))


def _problems(status: Status) -> Tag:
    items = [
        tags.li(
            moment(one["at"]),
            f" ({one['count']} times): " if one["count"] > 1 else ": ",
            tags.span(one["text"]),
            class_=one["level"],
        )
        for one in reversed(status["problems"])
    ]
    broken = [
        tags.li(
            f"Discovery does not work on {name}: another program may hold UDP port 3702 without sharing it.",
            class_="error",
        )
        for name in status["broken_interfaces"]
    ]
    board = status["board"] or {"problems": [], "update": ""}
    mistakes = [tags.li(f"The card's settings: {problem}", class_="error") for problem in board["problems"]]
    found = [*mistakes, *broken, *items]
    listed = tags.ul(*found, class_="problems") if found else tags.p("None since the start.")
    update = [tags.p(f"The last update of the card. {board['update']}")] if board["update"] else []
    return tags.section(
        tags.h2("Problems", id="problems"),
        _live("problem-list", listed, *update),
        **{"class": "card", "aria-labelledby": "problems"},
    )


def _settings(status: Status) -> Tag:
    rows = []
    for one in declared():
        value = status["settings"][one.section][one.key]
        changed = value != one.default
        rows.append(
            tags.tr(
                tags.th(tags.code(one.name), scope="row"),
                tags.td(_value(value), **{"data-title": "Value", "class": "changed" if changed else ""}),
                tags.td(one.meaning, **{"data-title": "Meaning"}),
            )
        )
    return tags.section(
        tags.h2("Settings", id="settings"),
        tags.p("They are changed in ", tags.code("/etc/scanbridge/scanbridge.toml"), ", not here."),
        tags.details(
            tags.summary("All settings"),
            tags.table(
                tags.caption("Settings in effect since the start; those that are not the default stand out"),
                tags.thead(tags.tr(*(tags.th(title, scope="col") for title in ("Setting", "Value", "Meaning")))),
                tags.tbody(*rows),
            ),
        ),
        **{"class": "card", "aria-labelledby": "settings"},
    )


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "–"
    return str(value) or "–"
