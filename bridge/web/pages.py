"""What a browser gets: the page, the viewer of a test scan, the same as JSON and metrics, and the page's own files."""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.template import Tag, flattenString, tags

from bridge.errors import JobNotFound
from bridge.http.resources import exchange_of
from bridge.http.site import plain
from bridge.web.front import document, front
from bridge.web.guard import Guard, Page
from bridge.web.image import ImageAnswer
from bridge.web.metrics import CONTENT_TYPE, metrics
from bridge.web.pauses import with_pauses
from bridge.web.sections import cancel_form
from bridge.web.status import Running, status_of
from bridge.web.trials import Trial, Trials

NOTICES = {
    b"told": ("good", "The computer was told; it starts the scan."),
    b"cancelled": ("good", "The scan is being cancelled."),
}
"""What the page says after an action, by the word in its address; no other text of an address is shown."""

ASSETS = {
    "style.css": b"text/css; charset=utf-8",
    "live.js": b"text/javascript; charset=utf-8",
    "icon.svg": b"image/svg+xml",
}


class StatusPage(Page):
    """A page made of the status."""

    def __init__(self, guard: Guard, bridge: Running) -> None:
        super().__init__(guard)
        self.bridge = bridge

    def status(self, request: Any) -> dict[str, Any]:
        """The status for whoever asks."""
        return status_of(self.bridge, exchange_of(request).local_host)


class StatusJson(StatusPage):
    """`/status.json`."""

    def answer(self, request: Any) -> bytes:
        """The status as JSON."""
        request.setHeader(b"content-type", b"application/json")
        return json.dumps(self.status(request), indent=2).encode() + b"\n"


class Metrics(StatusPage):
    """`/metrics`."""

    def answer(self, request: Any) -> bytes:
        """The status in numbers."""
        request.setHeader(b"content-type", CONTENT_TYPE.encode("ascii"))
        return metrics(self.status(request), self.bridge.connections).encode()


class Front(StatusPage):
    """`/`, the address that Windows shows as the device's web page."""

    def answer(self, request: Any) -> int:
        """Everything, for people."""
        word = request.args.get(b"done", [b""])[0]
        return answer_html(request, front(self.status(request), self.guard.token, NOTICES.get(word)))


class Asset(Page):
    """A file that belongs to the page; read once."""

    def __init__(self, guard: Guard, name: str) -> None:
        super().__init__(guard)
        self._type = ASSETS[name]
        self._content = (Path(__file__).parent / name).read_bytes()

    def answer(self, request: Any) -> bytes:
        """The file."""
        request.setHeader(b"content-type", self._type)
        return self._content


class TestScans(Resource):
    """`/test-scan/NAME`, the viewer of a test scan, and `/test-scan/NAME/image`."""

    def __init__(self, guard: Guard, trials: Trials) -> None:
        super().__init__()
        self._guard = guard
        self._trials = trials

    def getChild(self, path: bytes, request: Any) -> Resource:
        """Twisted asks this for the name of a test scan."""
        return _TestScan(self._guard, self._trials, path.decode("latin-1"))

    def render(self, request: Any) -> bytes:
        """There is nothing at the address itself."""
        return plain(request, 404, "there is nothing at this address")


class _TestScan(Page):
    isLeaf = False

    def __init__(self, guard: Guard, trials: Trials, name: str) -> None:
        super().__init__(guard)
        self._trials = trials
        self._name = name
        self.putChild(b"image", _TestImage(guard, trials, name))

    def answer(self, request: Any) -> bytes | int:
        try:
            trial = self._trials.get(self._name)
        except JobNotFound as error:
            return answer_html(request, _told("There is no such test scan", str(error)), 404)
        return answer_html(request, _viewer(trial, f"/test-scan/{self._name}/image", self.guard.token))


class _TestImage(Page):
    methods = (b"GET",)

    def __init__(self, guard: Guard, trials: Trials, name: str) -> None:
        super().__init__(guard)
        self._trials = trials
        self._name = name

    def answer(self, request: Any) -> bytes | int:
        try:
            trial = self._trials.get(self._name)
        except JobNotFound as error:
            return plain(request, 404, str(error))
        return ImageAnswer(request, trial).start()


def answer_html(request: Any, page: Tag, status: int = 200) -> int:
    """Answer with `page`, over as many turns of the reactor as it takes."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"text/html; charset=utf-8")
    flattened: Deferred[bytes] = flattenString(None, with_pauses(page, request.site.reactor))

    def send(html: bytes) -> None:
        if request.has_lost_its_client():
            return
        body = b"<!DOCTYPE html>\n" + html
        request.setHeader(b"content-length", b"%d" % len(body))
        request.write(body)
        request.finish()

    flattened.addCallback(send).addErrback(request.processingFailed)
    # A failure was answered and logged, and goes no further.
    flattened.addErrback(lambda failure: None if isinstance(failure, Failure) else failure)
    return NOT_DONE_YET


def error_page(request: Any, status: int, sentence: str) -> int:
    """Answer an action that could not be done."""
    return answer_html(request, _told("This could not be done", sentence), status)


def _told(title: str, sentence: str) -> Tag:
    text = sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith((".", "!", "?")) else ".")
    return document(
        f"{title} – Scanbridge",
        tags.header(tags.h1("Scanbridge")),
        Tag("main")(
            tags.section(
                tags.h2(title, id="told"),
                tags.p(text, class_="notice bad", role="alert"),
                tags.p(tags.a("Back to the scanners", href="/")),
                **{"class": "card", "aria-labelledby": "told"},
            )
        ),
    )


def _viewer(trial: Trial, image: str, token: str) -> Tag:
    """The test scan while it comes: by the script with progress, else as the browser itself shows it."""
    request = trial.job.order.request
    title = "Preview" if trial.preview else "Test scan"
    alt = "What lies on the scanner"
    without: list[Tag] = [tags.p(tags.a("Scan now and save the file", href=image))]
    if trial.preview:
        without = [tags.img(src=image, alt=alt)]
    return document(
        f"{title} – Scanbridge",
        tags.header(tags.h1("Scanbridge")),
        Tag("main")(
            tags.section(
                tags.h2(title, id="view"),
                tags.p(f"{trial.served.scanner.name}: {request.width} × {request.height} pixels, job {trial.job.id}."),
                tags.div(
                    tags.p("Waiting for the scanner…", id="progress-text", role="status"),
                    tags.progress(id="progress", **{"aria-labelledby": "progress-text"}),
                    tags.p(tags.a("Download", id="download", href="#", hidden="hidden", download=trial.file_name)),
                    tags.img(id="picture", alt=alt, hidden="hidden"),
                    id="viewer",
                    hidden="hidden",
                    **{"data-image": image, "data-type": trial.format.media_type},
                ),
                tags.noscript(*without),
                tags.div(cancel_form(trial.served.enrolled.uuid, trial.job.id, token), id="cancel"),
                tags.p(tags.a("Back to the scanners", href="/")),
                **{"class": "card", "aria-labelledby": "view"},
            )
        ),
    )
