"""What a WSD client sends, written out by hand so that it owes nothing to the code under test."""

from __future__ import annotations

import uuid
from xml.sax.saxutils import escape, quoteattr

WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSD = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
DISCOVERY_TO = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
GET = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"

_NAMESPACES = {
    "soap": "http://www.w3.org/2003/05/soap-envelope",
    "wsa": WSA,
    "wsd": WSD,
    "wsdp": "http://schemas.xmlsoap.org/ws/2006/02/devprof",
    "wscn": "http://schemas.microsoft.com/windows/2006/08/wdp/scan",
}


def message_id() -> str:
    """A fresh MessageID."""
    return f"urn:uuid:{uuid.uuid4()}"


def envelope(
    action: str | None,
    body: str,
    *,
    to: str | None = DISCOVERY_TO,
    id: str | None = "",
    reply_to: str | None = None,
    headers: str = "",
    namespaces: dict[str, str] | None = None,
) -> bytes:
    """A request. `id` empty is a fresh one; what is None is left out; `namespaces` come on top of the usual ones."""
    declared = {**_NAMESPACES, **(namespaces or {})}
    addressing = [
        f"<wsa:To>{escape(to)}</wsa:To>" if to is not None else "",
        f"<wsa:Action>{escape(action)}</wsa:Action>" if action is not None else "",
        f"<wsa:MessageID>{escape(id or message_id())}</wsa:MessageID>" if id is not None else "",
        f"<wsa:ReplyTo><wsa:Address>{escape(reply_to)}</wsa:Address></wsa:ReplyTo>" if reply_to is not None else "",
    ]
    attributes = " ".join(f"xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in declared.items())
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<soap:Envelope {attributes}><soap:Header>{''.join(addressing)}{headers}</soap:Header>"
        f"<soap:Body>{body}</soap:Body></soap:Envelope>"
    )
    return text.encode()


def probe(
    types: str | None = "wsdp:Device",
    scopes: str | None = None,
    match_by: str | None = None,
    *,
    to: str | None = DISCOVERY_TO,
    id: str | None = "",
    reply_to: str | None = None,
    headers: str = "",
    namespaces: dict[str, str] | None = None,
) -> bytes:
    """A Probe; `types` and `scopes` are the text of the elements, None leaves the element out."""
    body = "" if types is None else f"<wsd:Types>{escape(types)}</wsd:Types>"
    if scopes is not None:
        rule = "" if match_by is None else f" MatchBy={quoteattr(match_by)}"
        body += f"<wsd:Scopes{rule}>{escape(scopes)}</wsd:Scopes>"
    action = f"{WSD}/Probe"
    content = f"<wsd:Probe>{body}</wsd:Probe>"
    return envelope(action, content, to=to, id=id, reply_to=reply_to, headers=headers, namespaces=namespaces)


def resolve(address: str, *, id: str | None = "", reply_to: str | None = None) -> bytes:
    """A Resolve for the device with this endpoint address."""
    reference = f"<wsa:EndpointReference><wsa:Address>{escape(address)}</wsa:Address></wsa:EndpointReference>"
    return envelope(f"{WSD}/Resolve", f"<wsd:Resolve>{reference}</wsd:Resolve>", id=id, reply_to=reply_to)


def get(to: str | None, *, id: str | None = "") -> bytes:
    """A WS-Transfer Get."""
    return envelope(GET, "", to=to, id=id, reply_to=f"{WSA}/role/anonymous")
