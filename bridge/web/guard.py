"""What protects the pages from other web sites that a person's browser visits.

A site elsewhere can make a browser on our network send requests to us. It must not read an answer by giving its own
name our address (DNS rebinding: the Host header), must not start an action (cross-site requests: a token in each form,
Origin and Sec-Fetch-Site) and must not put our page under its own buttons (clickjacking: headers).
"""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls
from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from twisted.web.resource import Resource

from bridge.http.origin import PRIVATE_DOMAINS
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

_PORT = re.compile(r":[0-9]{1,5}\Z")


class Guard:
    """Says whether a request may be answered; `hostname` is this machine's name without a domain."""

    def __init__(self, hostname: str) -> None:
        self.token = secrets.token_hex(16)
        name = hostname.lower()
        self._names = {"localhost", name, *(name + domain for domain in PRIVATE_DOMAINS)}

    def refusal(self, request: Any) -> tuple[int, str] | None:
        """Why a request for any page is refused, as status and sentence; None when it is not."""
        if self._is_ours(_header(request, b"host")):
            return None
        return 421, (
            "open this page by the address of the bridge, such as http://192.168.1.20:8018/, or by its name alone: "
            "the name in your browser's address line is not known to be this machine's"
        )

    def action_refusal(self, request: Any) -> tuple[int, str] | None:
        """The same for a form that does something."""
        refused = self.refusal(request)
        if refused is not None:
            return refused
        origin = _header(request, b"origin")
        if origin and origin != f"http://{_header(request, b'host')}":
            return 403, "this form was sent by another web site, so nothing was done"
        if _header(request, b"sec-fetch-site") not in ("", "same-origin"):
            return 403, "this form was sent by another web site, so nothing was done"
        content_type = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
        if content_type != FORM:
            return 415, "a form is sent as application/x-www-form-urlencoded"
        if not hmac.compare_digest(field(request, "token").encode(), self.token.encode()):
            return 403, "the bridge was started anew since this page was loaded; load it again, then repeat"
        return None

    def _is_ours(self, host: str) -> bool:
        name = _PORT.sub("", host).lower().rstrip(".")
        if name in self._names:
            return True
        try:
            # A site cannot point an address literal elsewhere.
            ip_address(name.removeprefix("[").removesuffix("]").partition("%")[0])
        except ValueError:
            return False
        return True


class Page(Resource):
    """A resource that only answers what `guard` lets through, with HEADERS, to the `methods` that it names."""

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
        refused = self.guard.action_refusal(request) if request.method == b"POST" else self.guard.refusal(request)
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
