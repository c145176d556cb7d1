"""What protects the pages from other web sites that a person's browser visits.

A site elsewhere can make a browser on our network send requests to us. It must not start an action (cross-site
requests: a token in each form, and Sec-Fetch-Site) and must not put our page under its own buttons (clickjacking:
headers). That it cannot read an answer by giving its own name our address (DNS rebinding), and a foreign Origin, are
the affair of bridge/http/origin.py.
"""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls
from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from typing import Any

from twisted.web.resource import Resource

from bridge.http.site import method_not_allowed, plain

HEADERS = {
    b"content-security-policy": b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob:; "
    b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    b"x-frame-options": b"DENY",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}
"""On every answer: nothing from elsewhere, no frame, nothing kept, nothing for other sites to embed."""

FORM = b"application/x-www-form-urlencoded"


class Guard:
    """Says whether a form may do something; `token` is what every form of ours carries."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(16)

    def refusal(self, request: Any) -> tuple[int, str] | None:
        """Why a form that does something is refused, as status and sentence; None when it is not."""
        if _header(request, b"sec-fetch-site") not in ("", "same-origin"):
            return 403, "this form was sent by another web site, so nothing was done"
        content_type = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
        if content_type != FORM:
            return 415, "a form is sent as application/x-www-form-urlencoded"
        if not hmac.compare_digest(field(request, "token").encode(), self.token.encode()):
            return 403, "the bridge was started anew since this page was loaded; load it again, then repeat"
        return None


class Page(Resource):
    """A resource that does only what `guard` lets through, answers with HEADERS, and takes only its `methods`."""

    isLeaf = True
    methods: Iterable[bytes] = (b"GET", b"HEAD")

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self.guard = guard

    def render(self, request: Any) -> bytes | int:
        """Refuse, or let the subclass `answer`."""
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        if request.method not in self.methods:
            return method_not_allowed(request, self.methods)
        refused = self.guard.refusal(request) if request.method == b"POST" else None
        if refused is not None:
            return plain(request, *refused)
        return self.answer(request)

    def answer(self, request: Any) -> bytes | int:
        """The body, or NOT_DONE_YET."""
        raise NotImplementedError


def field(request: Any, name: str) -> str:
    """The form's field `name`, empty when it is missing or no text."""
    values = request.args.get(name.encode("ascii"), [b""])
    try:
        text: str = values[0].decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text


def _header(request: Any, name: bytes) -> str:
    return (request.getHeader(name) or b"").decode("latin-1").strip()
