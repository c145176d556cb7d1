"""Scan destinations: what a Subscribe registers, tokens and their lives, what a person can choose from."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest
from lxml import etree
from twisted.internet.task import Clock

from bridge.dpws.subscriptions import EndStatus
from bridge.errors import InvalidDestinationToken
from bridge.soap import namespaces as ns
from bridge.wsscan.destinations import GRACE_S, MAX_DESTINATIONS, MAX_IN_GRACE, Destinations
from tests.fakes.event_bench import NS, SINK, EventBench, action, delivery, expires, filter_of

WINDOWS = ("Scan", "ScanToPrint", "ScanToEmail", "ScanToFax", "ScanToOCR")
SCAN_AVAILABLE = filter_of(action("ScanAvailableEvent"))


class Bench(EventBench):
    """An event source whose Subscribe takes scan destinations."""

    def __init__(self) -> None:
        clock = Clock()
        self.destinations = Destinations(clock)
        super().__init__(self.destinations, clock=clock)

    def register(self, *destinations: str, url: str = SINK, term: str | None = None, filter: str = SCAN_AVAILABLE):
        """The answer to a Subscribe with `destinations` as XML."""
        content = delivery(url) + filter + expires(term) + wrapped(*destinations)
        return self.ask("Subscribe", content)

    def names(self) -> list[str]:
        """What a person can choose from."""
        return [destination.name for destination in self.destinations.choices()]


def destination(name: str | None, context: str | None = "Scan", element: str = "ClientDisplayName") -> str:
    """A ScanDestination as XML; None leaves an element out."""
    shown = "" if name is None else f"<d:{element}>{escape(name)}</d:{element}>"
    given = "" if context is None else f"<d:ClientContext>{escape(context)}</d:ClientContext>"
    return f"<d:ScanDestination>{shown}{given}</d:ScanDestination>"


def wrapped(*destinations: str, scan: str = ns.WSCN) -> str:
    """ScanDestinations as XML."""
    return f'<d:ScanDestinations xmlns:d="{scan}">{"".join(destinations)}</d:ScanDestinations>'


def responses(answer: etree._Element) -> list[tuple[str, str]]:
    """Context and token of each DestinationResponse, in order."""
    found = answer.iterfind(".//wse:SubscribeResponse/wscn:DestinationResponses/wscn:DestinationResponse", NS)
    return [(one[0].text or "", one[1].text or "") for one in found]


def identifier(answer: etree._Element) -> str:
    found = answer.findtext(".//wse:Identifier", None, NS)
    assert found is not None, etree.tostring(answer)
    return found


def subcode(answer: etree._Element) -> str | None:
    return answer.findtext(".//soap:Subcode/soap:Value", None, NS)


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- registering ---------------------------------------------------------------------------------


@pytest.mark.conformance(273, 274)
def test_every_destination_gets_a_token(bench: Bench) -> None:
    """One DestinationResponse per ScanDestination, in order, with its context and a token like no other."""
    answer = bench.register(*(destination(f"{context} to PC", context) for context in WINDOWS))
    found = responses(answer)
    assert [context for context, _ in found] == list(WINDOWS)
    tokens = [token for _, token in found]
    assert len(set(tokens)) == len(WINDOWS)
    assert all(len(bytes.fromhex(token)) == 16 for token in tokens)
    for context, token in found:
        assert bench.destinations.of_token(token).context == context
    assert bench.names() == [f"{context} to PC" for context in WINDOWS]


@pytest.mark.conformance(273)
@pytest.mark.parametrize(
    "context",
    [
        "Scan", "", " two  spaces ", "line\nbreak\ttab", "\r", "<b>&amp;", "\U0001f5a8" * 255, "\u202e\u0085\u2028",
        "a" * 255,
    ],
)  # fmt: skip
def test_a_context_comes_back_unchanged(bench: Bench, context: str) -> None:
    """ClientContext is returned character for character, white space, markup and four-byte characters included."""
    sent = destination("PC", context).replace("\r", "&#13;")
    assert [back for back, _ in responses(bench.register(sent))] == [context]


@pytest.mark.conformance(275)
def test_client_display_string_is_a_display_name(bench: Bench) -> None:
    """Microsoft's example says ClientDisplayString; it is read like ClientDisplayName, which wins beside it."""
    wrong = "<d:ClientDisplayString>wrong</d:ClientDisplayString>"
    both = destination("right").replace("</d:ScanDestination>", f"{wrong}</d:ScanDestination>")
    bench.register(destination("by string", element="ClientDisplayString"), both)
    assert bench.names() == ["by string", "right"]


def test_children_come_in_any_order_with_foreign_ones_between(bench: Bench) -> None:
    """The order of a destination's children does not matter, and what is foreign is passed over."""
    mixed = (
        '<d:ScanDestination><x:Icon xmlns:x="urn:x"/><d:ClientContext>c</d:ClientContext>'
        "<d:ClientDisplayName>n</d:ClientDisplayName></d:ScanDestination>"
    )
    assert [context for context, _ in responses(bench.register(mixed, '<x:More xmlns:x="urn:x"/>'))] == ["c"]
    assert bench.names() == ["n"]


def test_the_older_namespace_is_understood(bench: Bench) -> None:
    """ScanDestinations of 2006/01, which WSD-python sends, are registered; the answer is 2006/08."""
    content = delivery() + SCAN_AVAILABLE + wrapped(destination("python"), scan=ns.WSCN_2006_01)
    assert [context for context, _ in responses(bench.ask("Subscribe", content))] == ["Scan"]
    assert bench.names() == ["python"]


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "&lt;already&gt; \"quoted\" 'twice'",
        "\U0001f5a8" * 127,
        "a" * 127,
        "\u05e1\u05e8\u05d9\u05e7\u05d4 \u200fPC\u200e",
        "\u202egpj.exe",
        "../../etc/passwd\\x00%n{0}",
    ],
)
def test_a_name_is_kept_exactly(bench: Bench, name: str) -> None:
    """Markup, other scripts and 127 characters of any width are a name like any other, character for character."""
    bench.register(destination(name))
    assert bench.names() == [name]
    assert bench.source.overview()[0]["destinations"] == [{"name": name, "context": "Scan"}]


def test_white_space_around_a_name_is_layout(bench: Bench) -> None:
    """A name on a line of its own, as in Microsoft's examples, is the same name."""
    bench.register(destination("\n      Scan to PC\t\n"))
    assert bench.names() == ["Scan to PC"]


@pytest.mark.parametrize(
    "wrong",
    [
        destination(""),
        destination("  \n "),
        destination(None),
        destination("a" * 128),
        destination("\U0001f5a8" * 128),
        destination("two\nlines"),
        destination("tab\there"),
        destination("escape\u009b31m"),
        destination("delete\x7f"),
        destination("next\u0085line"),
        destination("line\u2028separator"),
        destination("PC", None),
        destination("PC", "c" * 256),
        destination("PC").replace("PC", "P<d:b>C</d:b>"),
        destination("PC").replace("Scan<", "Sc<d:b/>an<"),
        destination("PC").replace("<d:ClientContext>", "<d:ClientContext>a</d:ClientContext><d:ClientContext>"),
    ],
)
def test_what_cannot_be_shown_or_returned_is_refused(bench: Bench, wrong: str) -> None:
    """A name that is empty, too long or not for one line, and a context that cannot be returned: wscn:InvalidArgs."""
    answer = bench.register(destination("good"), wrong)
    assert subcode(answer) == "wscn:InvalidArgs"
    assert bench.status == 400
    assert bench.names() == []
    assert bench.source.overview() == []


def test_the_seventeenth_destination_is_too_many(bench: Bench) -> None:
    """Sixteen destinations are taken, one more is wse:EventSourceUnableToProcess."""
    many = [destination(f"PC {number}", "c" * 255) for number in range(MAX_DESTINATIONS + 1)]
    assert subcode(bench.register(*many)) == "wse:EventSourceUnableToProcess"
    assert bench.status == 500
    assert bench.names() == []
    assert len(responses(bench.register(*many[:-1]))) == MAX_DESTINATIONS


def test_sixteen_contexts_that_need_escapes_fit_an_answer(bench: Bench) -> None:
    """The largest answer that a client can provoke is still within the limit of an envelope."""
    many = [destination(f"PC {number}", "&" * 255) for number in range(MAX_DESTINATIONS)]
    assert len(responses(bench.register(*many))) == MAX_DESTINATIONS


def test_destinations_without_the_event_mean_nothing(bench: Bench) -> None:
    """In a subscription for other events destinations are passed over, and the answer has no DestinationResponses."""
    answer = bench.register(destination("PC"), destination(""), filter=filter_of(action("JobStatusEvent")))
    assert subcode(answer) is None
    assert responses(answer) == []
    assert answer.find(".//wscn:DestinationResponses", NS) is None
    assert bench.names() == []


def test_the_event_without_destinations_is_a_subscription(bench: Bench) -> None:
    """ScanAvailableEvent may be subscribed to without a destination: nobody can choose it."""
    for content in ("", wrapped()):
        answer = bench.ask("Subscribe", delivery() + SCAN_AVAILABLE + content)
        assert subcode(answer) is None
        assert answer.find(".//wscn:DestinationResponses", NS) is None
    assert bench.names() == []


# -- tokens --------------------------------------------------------------------------------------


@pytest.mark.conformance(263)
def test_renew_keeps_the_tokens(bench: Bench) -> None:
    """After Renew the same token is valid beyond the first term."""
    answer = bench.register(destination("PC"), term="PT10M")
    ((_, token),) = responses(answer)
    bench.clock.advance(500)
    bench.ask("Renew", expires("PT10M"), id=identifier(answer))
    bench.clock.advance(599)
    assert bench.destinations.of_token(token).name == "PC"
    assert bench.names() == ["PC"]


@pytest.mark.conformance(180)
def test_a_token_outlives_its_subscription_by_a_minute(bench: Bench) -> None:
    """After expiry the destination cannot be chosen, but its token is good for 60 more seconds."""
    ((_, token),) = responses(bench.register(destination("PC"), term="PT10M"))
    bench.clock.advance(600)
    assert bench.names() == []
    bench.clock.advance(GRACE_S - 0.1)
    assert bench.destinations.of_token(token).name == "PC"
    bench.clock.advance(0.1)
    with pytest.raises(InvalidDestinationToken):
        bench.destinations.of_token(token)


def test_a_token_ends_with_unsubscribe(bench: Bench) -> None:
    """A client that unsubscribes has no use for its tokens: they are invalid at once."""
    answer = bench.register(destination("PC"))
    ((_, token),) = responses(answer)
    bench.ask("Unsubscribe", id=identifier(answer))
    with pytest.raises(InvalidDestinationToken):
        bench.destinations.of_token(token)


@pytest.mark.parametrize("token", ["", "0" * 32, "x" * 100000])
def test_a_token_that_was_never_given_is_invalid(bench: Bench, token: str) -> None:
    """Whatever is no token of ours is InvalidDestinationToken."""
    bench.register(destination("PC"))
    with pytest.raises(InvalidDestinationToken):
        bench.destinations.of_token(token)


def test_tokens_in_their_last_minute_are_bounded(bench: Bench) -> None:
    """Subscriptions that come and go quickly cannot fill the memory: the oldest tokens go first."""
    tokens = []
    for _ in range(MAX_IN_GRACE // MAX_DESTINATIONS + 1):
        answer = bench.register(*(destination(f"PC {number}") for number in range(MAX_DESTINATIONS)))
        tokens.extend(token for _, token in responses(answer))
        bench.source.end(identifier(answer), EndStatus.SOURCE_CANCELLING, "removed")
    with pytest.raises(InvalidDestinationToken):
        bench.destinations.of_token(tokens[MAX_DESTINATIONS - 1])
    assert bench.destinations.of_token(tokens[MAX_DESTINATIONS]).name == "PC 0"
    assert bench.destinations.of_token(tokens[-1]).name == f"PC {MAX_DESTINATIONS - 1}"


# -- choosing ------------------------------------------------------------------------------------


def test_the_newest_registration_of_a_place_is_shown_once(bench: Bench) -> None:
    """A PC that subscribes again has one entry, the newest; the older token stays valid as well."""
    ((_, old),) = responses(bench.register(destination("PC"), term="PT1H"))
    bench.register(destination("Other"))
    ((_, new),) = responses(bench.register(destination("PC"), term="PT2H"))
    assert bench.names() == ["Other", "PC"]
    assert bench.destinations.choices()[-1].token == new
    assert bench.destinations.of_token(old).name == "PC"


def test_the_older_registration_is_shown_when_the_newer_is_gone(bench: Bench) -> None:
    """While any subscription for a place lives it can be chosen."""
    ((_, old),) = responses(bench.register(destination("PC")))
    newer = bench.register(destination("PC"))
    bench.ask("Unsubscribe", id=identifier(newer))
    assert [one.token for one in bench.destinations.choices()] == [old]


def test_equal_names_of_two_sinks_are_two_places(bench: Bench) -> None:
    """Two PCs may use the same name."""
    bench.register(destination("Scan"), url=f"{SINK}/1")
    bench.register(destination("Scan"), url=f"{SINK}/2")
    assert [one.sink for one in bench.destinations.choices()] == [f"{SINK}/1", f"{SINK}/2"]
