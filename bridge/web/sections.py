"""The parts of the page that show a scanner and its jobs. All texts go through Twisted's template, which escapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from twisted.web.template import Tag, tags

from bridge.web.pauses import Later
from bridge.web.words import (
    COLORS,
    CONDITIONS,
    FORMATS,
    JOB_REASONS,
    JOB_STATES,
    REASONS,
    SOURCES,
    STATES,
    words,
)

MAX_PAST_JOBS = 10
"""Finished jobs shown for each scanner, the newest first; the JSON has them all."""

USUAL_DPI = 300
"""The resolution that is chosen beforehand, or the nearest one that there is."""

MAX_DPI = 600
"""The highest resolution that a test scan offers."""

Status = Mapping[str, Any]


def scanner_section(scanner: Status, token: str) -> Tag:
    """Everything about one scanner."""
    name = f"scanner-{scanner['uuid']}"
    return tags.section(
        tags.h2(scanner["name"], id=name),
        _live(f"{name}-state", _state(scanner), polite=True),
        tags.div(_test_form(scanner, token), _destinations(scanner, token), class_="columns"),
        _live(f"{name}-jobs", _jobs(scanner, token)),
        tags.details(tags.summary("What it can do"), _abilities(scanner)),
        **{"class": "card", "aria-labelledby": name},
    )


def _live(name: str, content: Tag, *, polite: bool = False) -> Tag:
    """A part that the page's script replaces when something has changed; `polite` ones are read out then."""
    attributes = {"aria-live": "polite"} if polite else {}
    return tags.div(content, id=name, **{"class": "live", **attributes})


def _state(scanner: Status) -> Tag:
    state = str(scanner["state"])
    told = words(REASONS, scanner["reasons"])
    told += [CONDITIONS[each["name"]] for each in scanner["conditions"] if each["name"] in CONDITIONS]
    lines = [tags.p(tags.span(STATES.get(state, state), class_=f"badge {state.lower()}"))]
    lines += [tags.p(line, class_="remedy") for line in told]
    if scanner["virtual"]:
        lines.append(tags.p("This is the virtual scanner: no real one was found, and its pages are test pictures."))
    buttons = scanner["buttons"]
    if buttons["state"] == "watching":
        lines.append(tags.p("Its buttons are watched: ", ", ".join(buttons["names"]), "."))
    elif buttons["trouble"]:
        lines.append(tags.p("Its buttons are not watched: ", buttons["trouble"], class_="remedy"))
    return tags.div(*lines)


def _jobs(scanner: Status, token: str) -> Tag:
    active = list(reversed(scanner["active_jobs"]))
    past = list(reversed(scanner["history"]))[:MAX_PAST_JOBS]
    if not active and not past:
        return tags.p("No scan yet.")
    rows = [Later(partial(_job, scanner, job, token, over=False)) for job in active]
    rows += [Later(partial(_job, scanner, job, token, over=True)) for job in past]
    columns = ("Job", "Name", "For", "State", "Pages", "Begun", "")
    return tags.table(
        tags.caption("Scans, newest first"),
        tags.thead(tags.tr(*(tags.th(title, scope="col") for title in columns))),
        tags.tbody(*rows),
        class_="jobs",
    )


def _job(scanner: Status, job: Status, token: str, *, over: bool) -> Tag:
    state = JOB_STATES.get(str(job["state"]), str(job["state"]))
    why = "; ".join(words(JOB_REASONS, job["reasons"]))
    told = f"{state}: {why}" if why else state
    if not over and "ScannerStopped" in job["reasons"]:
        told = "held up: what stops the scanner is said above; scan again when it is mended"
    cancel: Any = ""
    if not over:
        hidden = {"scanner": scanner["uuid"], "job": str(job["id"])}
        cancel = _form("/do/cancel", token, hidden, tags.button("Cancel", **{"aria-label": f"Cancel job {job['id']}"}))
    cells: tuple[tuple[str, Any], ...] = (
        ("Job", str(job["id"])),
        ("Name", job["name"] or "–"),
        ("For", job["user"] or "–"),
        ("State", tags.span(told, class_=f"job {job['state'].lower()}")),
        ("Pages", str(job["scans_completed"])),
        ("Begun", moment(job["created"])),
        ("", cancel),
    )
    return tags.tr(*(tags.td(content, **{"data-title": title}) for title, content in cells))


def _destinations(scanner: Status, token: str) -> Tag:
    choices = scanner["destinations"]
    title = tags.h3("Scan to a computer")
    if not choices:
        return tags.div(
            title,
            tags.p(
                "No computer is registered yet. A Windows PC registers by itself when the scanner has been added "
                "there; see Windows below."
            ),
        )
    name = f"to-{scanner['uuid']}"
    options = [tags.option(f"{one['name']} ({one['client']})", value=one["name"]) for one in choices]
    return tags.div(
        title,
        tags.p("Put the page in first. The computer then starts the scan with the program chosen there."),
        _form(
            "/do/scan-to",
            token,
            {"scanner": scanner["uuid"]},
            tags.label("Computer", for_=name),
            tags.select(*options, id=name, name="destination"),
            tags.button("Scan to it"),
        ),
    )


def _test_form(scanner: Status, token: str) -> Tag:
    able = scanner["capabilities"]
    sources = able["sources"]
    if not sources:
        return tags.div(tags.h3("Test scan"), tags.p("The scanner offers neither glass nor feeder."))
    colors = list(dict.fromkeys(color for side in sources.values() for color in side["colors"] if color in COLORS))
    numbers = sorted({dpi for side in sources.values() for dpi in side["resolutions"] if dpi <= MAX_DPI})
    numbers = _some(numbers or sorted({side["resolutions"][0] for side in sources.values()}))
    usual = min(numbers, key=lambda dpi: abs(dpi - USUAL_DPI))
    formats = {FORMATS[name]: name for name in reversed(able["formats"]) if name in FORMATS}
    fields = (
        ("source", "From", [(name, SOURCES.get(name, name)) for name in sources], ""),
        ("color", "Colour", [(name, COLORS[name]) for name in colors], "RGB24"),
        ("resolution", "Resolution", [(str(dpi), f"{dpi} dpi") for dpi in numbers], str(usual)),
        ("format", "Save as", [(name, title) for title, name in sorted(formats.items())], ""),
    )
    return tags.div(
        tags.h3("Test scan"),
        _form(
            "/do/test-scan",
            token,
            {"scanner": scanner["uuid"]},
            *(_choice(scanner["uuid"], *one) for one in fields),
            tags.button("Preview", name="preview", value="yes", class_="quiet"),
            tags.button("Scan and download", name="preview", value="no"),
        ),
    )


def _some(numbers: Sequence[int], most: int = 12) -> list[int]:
    """At most `most` of many resolutions, those that people know before others."""
    if len(numbers) <= most:
        return list(numbers)
    usual = [one for one in (75, 100, 150, 200, 300, 400, 600, 1200) if one in numbers]
    return usual or list(numbers[:: len(numbers) // most + 1])


def _choice(uuid: str, name: str, title: str, options: Sequence[tuple[str, str]], chosen: str) -> Tag:
    identifier = f"{name}-{uuid}"
    listed = [tags.option(text, value=value, **_selected(value == chosen)) for value, text in options]
    return tags.div(tags.label(title, for_=identifier), tags.select(*listed, id=identifier, name=name), class_="field")


def _selected(chosen: bool) -> dict[str, str]:
    return {"selected": "selected"} if chosen else {}


def _abilities(scanner: Status) -> Tag:
    rows = []
    for name, side in scanner["capabilities"]["sources"].items():
        dpi = side["resolutions"]
        rows.append(
            tags.tr(
                tags.th(SOURCES.get(name, name), scope="row"),
                tags.td(f"{side['width_mm']} × {side['height_mm']} mm", **{"data-title": "Size"}),
                tags.td(f"{dpi[0]} to {dpi[-1]} dpi", **{"data-title": "Resolution"}),
                tags.td(", ".join(COLORS.get(color, color) for color in side["colors"]), **{"data-title": "Colours"}),
            )
        )
    columns = ("From", "Size", "Resolution", "Colours")
    return tags.div(
        tags.table(
            tags.caption("What can be scanned"),
            tags.thead(tags.tr(*(tags.th(title, scope="col") for title in columns))),
            tags.tbody(*rows),
        ),
        tags.p("Formats: ", ", ".join(scanner["capabilities"]["formats"])),
        tags.p("Address of its scan service: ", tags.code(scanner["urls"]["service"])),
    )


def _form(action: str, token: str, hidden: Mapping[str, str], *content: Tag) -> Tag:
    fields = [tags.input(type="hidden", name=name, value=value) for name, value in {"token": token, **hidden}.items()]
    return tags.form(*fields, *content, method="post", action=action)


def cancel_form(uuid: str, job: int, token: str) -> Tag:
    """A button that cancels a job."""
    return _form("/do/cancel", token, {"scanner": uuid, "job": str(job)}, tags.button("Cancel", class_="quiet"))


def moment(time: str | None) -> Tag:
    """A time: UTC without the script, which shows it in the reader's own time."""
    if time is None:
        return tags.span("–")
    shown = time.replace("T", " ").removesuffix("Z")[:16] + " UTC"
    return tags.time(shown, datetime=time)
