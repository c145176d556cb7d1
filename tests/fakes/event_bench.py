"""An event source with its clock and its subscribers at hand: requests as bytes in, answers and events as checked
envelopes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.dpws.expiry import TermRules
from bridge.dpws.sinks import Sink, SinkRules
from bridge.dpws.subscriptions import EventSource, Extension
from bridge.soap import namespaces as ns
from bridge.soap.dispatch import Call
from bridge.soap.envelope import Element, Envelope, read_envelope
from bridge.soap.exchange import Exchange
from bridge.wsscan.events import EVENT_ACTIONS
from tests.deferreds import success_result_of
from tests.fakes import wsd_client
from tests.schema_check import check_message

CLIENT = "192.0.2.99"
DEVICE = "192.0.2.7"
SERVICE = f"http://{DEVICE}:8018/6f1e7ad8/scan"
SINK = f"http://{CLIENT}:5357/4d5c"
WALL = 1_700_000_000.0
"""The wall clock when the bench's clock stands at zero: 2023-11-14T22:13:20Z."""

NS = {"wsa": ns.WSA, "wse": ns.WSE, "soap": ns.SOAP, "wscn": ns.WSCN}
DIALECT = "http://schemas.xmlsoap.org/ws/2006/02/devprof/Action"
NAMESPACES = {"wse": ns.WSE}


def action(name: str) -> str:
    """The action of the scan event `name`."""
    return f"{ns.WSCN}/{name}"


def reference(name: str, url: str, parameters: str = "") -> str:
    """NotifyTo or EndTo as XML."""
    block = f"<wsa:ReferenceParameters>{parameters}</wsa:ReferenceParameters>" if parameters else ""
    return f"<wse:{name}><wsa:Address>{escape(url)}</wsa:Address>{block}</wse:{name}>"


def delivery(url: str = SINK, parameters: str = "", mode: str | None = f"{ns.WSE}/DeliveryModes/Push") -> str:
    """Delivery as XML; `mode` None leaves the attribute out."""
    attribute = "" if mode is None else f" Mode={quoteattr(mode)}"
    return f"<wse:Delivery{attribute}>{reference('NotifyTo', url, parameters)}</wse:Delivery>"


def filter_of(*actions: str, dialect: str | None = DIALECT) -> str:
    """Filter as XML; `dialect` None leaves the attribute out."""
    attribute = "" if dialect is None else f" Dialect={quoteattr(dialect)}"
    return f"<wse:Filter{attribute}>{escape(' '.join(actions))}</wse:Filter>"


def expires(text: str | None) -> str:
    """Expires as XML, nothing for None."""
    return "" if text is None else f"<wse:Expires>{escape(text)}</wse:Expires>"


class Post:
    """One message on its way to a sink."""

    def __init__(self, sink: Sink, message: bytes) -> None:
        self.url = sink.url
        self.host = sink.host
        self.data = message
        self.envelope: Envelope = read_envelope(message)
        self.cancelled = False
        self.deferred: Deferred[None] = Deferred(self._cancel)

    @property
    def event(self) -> str:
        """The last segment of the action."""
        return (self.envelope.action or "").rpartition("/")[2]

    @property
    def body(self) -> Element:
        """The message's body, which is there."""
        assert self.envelope.body is not None
        return self.envelope.body

    def take(self) -> None:
        """The sink has taken it."""
        self.deferred.callback(None)

    def refuse(self) -> None:
        """The sink has not."""
        self.deferred.errback(ConnectionRefusedError("nobody listens"))

    def _cancel(self, _deferred: Deferred[None]) -> None:
        self.cancelled = True


class RecordingPoster:
    """Remembers every message. Answers at once for all: taken, or refused by the `dead`; `silent` ones never do."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.dead: set[str] = set()
        self.silent: set[str] = set()

    def post(self, sink: Sink, message: bytes) -> Deferred[None]:
        """Carry out what was set up for the sink."""
        post = Post(sink, message)
        self.posts.append(post)
        if sink.url in self.dead:
            post.refuse()
        elif sink.url not in self.silent:
            post.take()
        return post.deferred

    def take(self) -> list[Post]:
        """The messages since the last call."""
        taken, self.posts = self.posts, []
        return taken


class EventBench:
    """One event source of the scan service for the LAN 192.0.2.0/24 and fe80::/10, with a settable clock."""

    def __init__(
        self,
        extension: Extension | None = None,
        offered: Sequence[str] = EVENT_ACTIONS,
        clock: Clock | None = None,
    ) -> None:
        self.clock = Clock() if clock is None else clock
        self.poster = RecordingPoster()
        self.synchronised = True
        self.source = EventSource(
            offered,
            self.poster,
            self.clock,
            TermRules(self.wall, lambda: self.synchronised),
            lan_rules(),
            extension,
        )

    def wall(self) -> float:
        """The time of day."""
        return WALL + self.clock.seconds()

    def ask(
        self, name: str, content: str = "", id: str | None = None, peer: str = CLIENT, *, body: str = ""
    ) -> etree._Element:
        """The answer to the eventing operation `name`, checked; `id` goes into the wse:Identifier header.

        `body`, when given, stands in the place of the operation's own element with `content`.
        """
        header = "" if id is None else f"<wse:Identifier>{escape(id)}</wse:Identifier>"
        body = body or f"<wse:{name}>{content}</wse:{name}>"
        request = wsd_client.envelope(f"{ns.WSE}/{name}", body, to=SERVICE, headers=header, namespaces=NAMESPACES)
        exchange = Exchange(DEVICE, 8018, peer, "/6f1e7ad8/scan")
        answer = success_result_of(Call(self.source, request, exchange, "soap12").start())
        self.status = answer.status
        return check_message(answer.message)

    def subscribe(self, *content: str, peer: str = CLIENT) -> str:
        """Subscribe, for everything to SINK unless told otherwise; the result is the identifier."""
        answer = self.ask("Subscribe", "".join(content) or delivery(), peer=peer)
        identifier = answer.findtext(".//wse:SubscriptionManager//wse:Identifier", None, NS)
        assert identifier is not None, etree.tostring(answer)
        return identifier

    def refusal(self, name: str, content: str = "", id: str | None = None, peer: str = CLIENT) -> str:
        """The subcode of the fault that comes as an answer."""
        answer = self.ask(name, content, id, peer)
        subcode = answer.findtext(".//soap:Subcode/soap:Value", None, NS)
        assert subcode is not None, etree.tostring(answer)
        return subcode

    def term(self, answer: etree._Element) -> str:
        """The text of wse:Expires in an answer."""
        text = answer.findtext(".//wse:Expires", None, NS)
        assert text is not None, etree.tostring(answer)
        return text

    def events(self) -> list[str]:
        """The events that have gone out since the last look, by name, after the reactor had its turn."""
        self.clock.advance(0)
        return [post.event for post in self.poster.take()]


def lan_rules(own: Iterable[str] = (DEVICE, "fe80::7"), **others: Any) -> SinkRules:
    """Rules for a device in 192.0.2.0/24 that has an IPv6 link as well."""

    def on_link(address: str) -> bool:
        return address.startswith(("192.0.2.", "fe80:"))

    return SinkRules(on_link, lambda: own, **others)
