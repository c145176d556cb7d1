"""The Subscription Manager: Subscribe, Renew, GetStatus, Unsubscribe, expiry, end and faults, from bytes to bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from lxml import etree

from bridge.dpws.notifier import ATTEMPT_TIMEOUT_S, DROPS_IN_A_ROW, RETRY_DELAYS_S
from bridge.dpws.subscriptions import (
    FAREWELL_TIMEOUT_S,
    MAX_SUBSCRIPTIONS,
    MAX_SUBSCRIPTIONS_PER_CLIENT,
    EndStatus,
    Subscription,
)
from bridge.errors import InvalidArgument
from bridge.scanner.model import InputSource
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element
from bridge.wsscan.events import scan_available_event
from tests.deferreds import no_result, success_result_of
from tests.fakes.event_bench import (
    CLIENT,
    NS,
    SERVICE,
    SINK,
    EventBench,
    action,
    delivery,
    expires,
    filter_of,
    reference,
)

HOUR = 3600.0
END_TO = f"http://{CLIENT}:5357/end"


@pytest.fixture
def bench() -> EventBench:
    return EventBench()


def summary(state: str = "Idle") -> Element:
    """The body of a small event."""
    reasons = WSCN_E("ScannerStateReasons", WSCN_E("ScannerStateReason", "None"))
    return WSCN_E("ScannerStatusSummaryEvent", WSCN_E("StatusSummary", WSCN_E("ScannerState", state), reasons))


def publish(bench: EventBench) -> list[str]:
    """Publish an event; the URLs of the sinks that it goes to."""
    bench.source.publish(action("ScannerStatusSummaryEvent"), summary())
    bench.clock.advance(0)
    return [post.url for post in bench.poster.take()]


# -- Subscribe -----------------------------------------------------------------------------------


@pytest.mark.conformance(250, 258, 259, 260)
@pytest.mark.parametrize("mode", [f"{ns.WSE}/DeliveryModes/Push", f"  {ns.WSE}/DeliveryModes/Push\n", None])
def test_a_subscription_is_granted(bench: EventBench, mode: str | None) -> None:
    """Push, said or not said, is granted for as long as asked, and the answer says where it is managed."""
    answer = bench.ask("Subscribe", delivery(mode=mode) + expires("PT60M"))
    assert bench.status == 200
    response = answer.find("soap:Body/wse:SubscribeResponse", NS)
    assert response is not None
    assert [ns.local_name(child.tag) for child in response] == ["SubscriptionManager", "Expires"]
    assert response.findtext("wse:SubscriptionManager/wsa:Address", None, NS) == SERVICE
    identifier = response.findtext("wse:SubscriptionManager/wsa:ReferenceParameters/wse:Identifier", None, NS)
    assert identifier is not None
    assert identifier.startswith("urn:uuid:")
    assert response.findtext("wse:Expires", None, NS) == "PT1H"


@pytest.mark.conformance(257)
def test_children_of_subscribe_come_in_any_order(bench: EventBench) -> None:
    """Expires before Filter, EndTo last, foreign elements between: all is found."""
    foreign = '<x:Extra xmlns:x="urn:x"/>'
    wanted = filter_of(action("ScannerStatusSummaryEvent"))
    content = foreign + expires("PT2H") + wanted + foreign + delivery() + reference("EndTo", END_TO)
    assert bench.term(bench.ask("Subscribe", content)) == "PT2H"
    assert publish(bench) == [SINK]


@pytest.mark.conformance(251)
def test_another_delivery_mode_is_refused_naming_push(bench: EventBench) -> None:
    """Any mode but Push gets wse:DeliveryModeRequestedUnavailable with SupportedDeliveryMode."""
    answer = bench.ask("Subscribe", delivery(mode="urn:pull"))
    assert bench.status == 400
    assert answer.findtext(".//soap:Subcode/soap:Value", None, NS) == "wse:DeliveryModeRequestedUnavailable"
    assert answer.findtext(".//soap:Detail/wse:SupportedDeliveryMode", None, NS) == f"{ns.WSE}/DeliveryModes/Push"
    assert bench.source.overview() == []


@pytest.mark.parametrize(
    ("content", "subcode"),
    [
        ("", "wse:InvalidMessage"),
        ("<wse:Delivery/>", "wse:InvalidMessage"),
        ("<wse:Delivery><wse:NotifyTo/></wse:Delivery>", "wse:InvalidMessage"),
        (delivery(f"{ns.ANONYMOUS}"), "wse:InvalidMessage"),
        (delivery() + delivery(), "wse:InvalidMessage"),
        (delivery() + expires("PT1H") + expires("PT1H"), "wse:InvalidMessage"),
        (delivery() + filter_of(ns.WSCN) + filter_of(ns.WSCN), "wse:InvalidMessage"),
        (delivery() + reference("EndTo", ""), "wse:InvalidMessage"),
        (delivery("http://127.0.0.1/x"), "wsa:DestinationUnreachable"),
        (delivery("http://desktop/x"), "wsa:DestinationUnreachable"),
        (delivery() + reference("EndTo", "http://198.51.100.1/"), "wsa:DestinationUnreachable"),
        (delivery() + expires("PT0S"), "wse:InvalidExpirationTime"),
        (delivery() + expires("soon"), "wse:InvalidExpirationTime"),
        (delivery() + filter_of("urn:unknown"), "wsdp:FilterActionNotSupported"),
        (delivery() + filter_of("//x", dialect="urn:xpath"), "wse:FilteringRequestedUnavailable"),
    ],
)
def test_a_subscribe_that_cannot_be_granted_leaves_nothing(bench: EventBench, content: str, subcode: str) -> None:
    """What is malformed or impossible gets its own fault as a Sender's mistake, and no subscription exists."""
    assert bench.refusal("Subscribe", content) == subcode
    assert bench.status == 400
    assert bench.source.overview() == []
    assert publish(bench) == []


def test_there_are_four_operations(bench: EventBench) -> None:
    """The event source answers the four requests of WS-Eventing and leaves all other actions to others."""
    for name in ("Subscribe", "Renew", "GetStatus", "Unsubscribe"):
        assert bench.source.operation(f"{ns.WSE}/{name}") is not None
    assert bench.source.operation(f"{ns.WSE}/SubscriptionEnd") is None
    assert bench.source.operation(action("GetScannerElements")) is None


def test_the_sixty_fifth_subscription_is_refused(bench: EventBench) -> None:
    """Beyond 64 subscriptions the answer is wse:EventSourceUnableToProcess; one that ends makes room."""
    clients = [f"192.0.2.{100 + number // MAX_SUBSCRIPTIONS_PER_CLIENT}" for number in range(MAX_SUBSCRIPTIONS)]
    identifiers = [bench.subscribe(peer=client) for client in clients]
    assert bench.refusal("Subscribe", delivery()) == "wse:EventSourceUnableToProcess"
    assert bench.status == 500
    bench.ask("Unsubscribe", id=identifiers[5])
    bench.subscribe()
    assert bench.refusal("Subscribe", delivery()) == "wse:EventSourceUnableToProcess"


def test_one_client_cannot_keep_the_others_out(bench: EventBench) -> None:
    """The seventeenth subscription of one address is refused; others are taken, and one that ends makes room."""
    identifiers = [bench.subscribe() for _ in range(MAX_SUBSCRIPTIONS_PER_CLIENT)]
    assert bench.refusal("Subscribe", delivery()) == "wse:EventSourceUnableToProcess"
    assert bench.status == 500
    bench.subscribe(peer="192.0.2.55")
    bench.ask("Unsubscribe", id=identifiers[0])
    bench.subscribe()
    assert bench.refusal("Subscribe", delivery()) == "wse:EventSourceUnableToProcess"
    assert len(bench.source.overview()) == MAX_SUBSCRIPTIONS_PER_CLIENT + 1


def test_identifiers_are_never_the_same(bench: EventBench) -> None:
    """Each subscription has an identifier of its own."""
    assert len({bench.subscribe() for _ in range(10)}) == 10


def test_a_time_is_granted_only_by_a_trusted_clock(bench: EventBench) -> None:
    """A dateTime gets a dateTime back while the clock is synchronised, else wse:UnsupportedExpirationType."""
    content = delivery() + expires("2023-11-14T23:13:20Z")
    assert bench.term(bench.ask("Subscribe", content)) == "2023-11-14T23:13:20Z"
    bench.synchronised = False
    assert bench.refusal("Subscribe", content) == "wse:UnsupportedExpirationType"


# -- who gets what -------------------------------------------------------------------------------


@pytest.mark.conformance(269, 268)
def test_a_notification_is_addressed_to_the_sink(bench: EventBench) -> None:
    """To is the NotifyTo address, Action the event's, reference parameters are headers, and no reply is asked for."""
    bench.subscribe(delivery(parameters="<wse:Identifier>urn:uuid:theirs</wse:Identifier>"))
    bench.source.publish(action("ScannerStatusSummaryEvent"), summary())
    bench.clock.advance(0)
    (post,) = bench.poster.take()
    assert post.envelope.to == SINK
    assert post.envelope.action == action("ScannerStatusSummaryEvent")
    assert post.envelope.reply_to is None
    header = post.envelope.header(f"{{{ns.WSE}}}Identifier")
    assert header is not None
    assert header.text == "urn:uuid:theirs"
    assert post.body.tag == f"{{{ns.WSCN}}}ScannerStatusSummaryEvent"


@pytest.mark.conformance(289)
def test_only_matching_events_are_sent(bench: EventBench) -> None:
    """Each subscriber gets the events of its own filter and no others."""
    sinks = {name: f"http://{CLIENT}:5357/{name}" for name in ("status", "jobs", "all")}
    bench.subscribe(delivery(sinks["status"]), filter_of(action("ScannerStatusSummaryEvent")))
    bench.subscribe(delivery(sinks["jobs"]), filter_of(action("JobStatusEvent"), action("JobEndStateEvent")))
    bench.subscribe(delivery(sinks["all"]))
    assert publish(bench) == [sinks["status"], sinks["all"]]


def test_send_reaches_one_subscription_only(bench: EventBench) -> None:
    """An event for one subscription goes to it alone, and nowhere when it is gone or does not want it."""
    first = bench.subscribe(delivery(f"{SINK}/1"))
    second = bench.subscribe(delivery(f"{SINK}/2"))
    third = bench.subscribe(delivery(f"{SINK}/3"), filter_of(action("JobStatusEvent")))
    body = scan_available_event("context", "identifier", InputSource.PLATEN)
    assert bench.source.send(second, action("ScanAvailableEvent"), body)
    assert not bench.source.send(third, action("ScanAvailableEvent"), body)
    assert not bench.source.send("urn:uuid:unknown", action("ScanAvailableEvent"), body)
    bench.clock.advance(0)
    assert [post.url for post in bench.poster.take()] == [f"{SINK}/2"]
    bench.ask("Unsubscribe", id=first)
    assert not bench.source.send(first, action("ScanAvailableEvent"), body)


@pytest.mark.conformance(272)
def test_a_silent_subscriber_holds_nobody_up(bench: EventBench) -> None:
    """Publishing returns at once, and others get their events while one sink does not answer at all."""
    bench.poster.silent.add(f"{SINK}/silent")
    bench.subscribe(delivery(f"{SINK}/silent"))
    bench.subscribe(delivery(f"{SINK}/lively"))
    for _ in range(3):
        bench.source.publish(action("ScannerStatusSummaryEvent"), summary())
        assert bench.poster.posts == []  # nothing is sent in the publisher's own call
        bench.clock.advance(0)
        assert f"{SINK}/lively" in [post.url for post in bench.poster.take()]


# -- Renew, GetStatus, Unsubscribe ---------------------------------------------------------------


@pytest.mark.conformance(262)
def test_a_subscription_ends_after_its_term(bench: EventBench) -> None:
    """When the term is over no event follows, and no SubscriptionEnd either: the client knew."""
    identifier = bench.subscribe(delivery(), expires("PT10M"), reference("EndTo", END_TO))
    bench.clock.advance(599.9)
    assert publish(bench) == [SINK]
    bench.clock.advance(0.1)
    assert publish(bench) == []
    assert bench.source.overview() == []
    assert bench.refusal("Renew", id=identifier) == "wse:UnableToRenew"


@pytest.mark.conformance(263, 264)
def test_renew_begins_the_term_anew(bench: EventBench) -> None:
    """Renew gives the asked term from now on, to the subscription that the header names and to no other."""
    bench.subscribe(delivery(f"{SINK}/lost"), expires("PT10M"))
    kept = bench.subscribe(delivery(f"{SINK}/kept"), expires("PT10M"))
    bench.subscribe(delivery(f"{SINK}/lost-too"), expires("PT10M"))
    bench.clock.advance(500)
    answer = bench.ask("Renew", expires("PT20M"), id=f"\n  {kept} ")
    assert answer.findtext("soap:Body/wse:RenewResponse/wse:Expires", None, NS) == "PT20M"
    bench.clock.advance(1199)
    assert publish(bench) == [f"{SINK}/kept"]
    bench.clock.advance(1)
    assert publish(bench) == []


def test_renew_may_shorten_and_has_the_default_term(bench: EventBench) -> None:
    """A shorter term replaces a longer one; without Expires it is one hour."""
    identifier = bench.subscribe(delivery(), expires("PT10H"))
    assert bench.term(bench.ask("Renew", id=identifier)) == "PT1H"
    assert bench.term(bench.ask("Renew", expires("PT1S"), id=identifier)) == "PT1S"
    bench.clock.advance(1)
    assert bench.source.overview() == []


def test_a_renew_that_is_refused_changes_nothing(bench: EventBench) -> None:
    """An impossible term gets its fault, and the old term goes on."""
    identifier = bench.subscribe(delivery(), expires("PT10M"))
    assert bench.refusal("Renew", expires("PT0S"), id=identifier) == "wse:InvalidExpirationTime"
    assert bench.term(bench.ask("GetStatus", id=identifier)) == "PT10M"


@pytest.mark.conformance(265, 264)
def test_get_status_tells_the_rest_of_the_term(bench: EventBench) -> None:
    """GetStatus counts down, as a duration even where a time was granted."""
    identifier = bench.subscribe(delivery(), expires("2023-11-14T23:13:20Z"))
    bench.clock.advance(1200.5)
    answer = bench.ask("GetStatus", id=identifier)
    assert answer.findtext("soap:Body/wse:GetStatusResponse/wse:Expires", None, NS) == "PT39M59.5S"


@pytest.mark.conformance(266, 264)
def test_nothing_follows_unsubscribe(bench: EventBench) -> None:
    """Unsubscribe ends the subscription at once: what waits is dropped, what is under way is broken off."""
    bench.poster.silent.add(SINK)
    identifier = bench.subscribe(delivery(), reference("EndTo", END_TO))
    bench.source.publish(action("ScannerStatusSummaryEvent"), summary())
    bench.source.publish(action("ScannerStatusSummaryEvent"), summary())
    bench.clock.advance(0)
    (under_way,) = bench.poster.take()
    answer = bench.ask("Unsubscribe", id=identifier)
    body = answer.find("soap:Body", NS)
    assert body is not None
    assert len(body) == 0
    assert answer.findtext("soap:Header/wsa:Action", None, NS) == f"{ns.WSE}/UnsubscribeResponse"
    assert under_way.cancelled
    assert publish(bench) == []
    bench.clock.advance(HOUR)
    assert bench.poster.take() == []


@pytest.mark.conformance(267)
@pytest.mark.parametrize("identifier", ["urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a", "", None])
def test_an_unknown_subscription_is_a_fault(bench: EventBench, identifier: str | None) -> None:
    """An Identifier that is unknown, empty or missing cannot be renewed, asked for or ended."""
    bench.subscribe()
    assert bench.refusal("Renew", id=identifier) == "wse:UnableToRenew"
    assert bench.status == 500
    for name in ("GetStatus", "Unsubscribe"):
        assert bench.refusal(name, id=identifier) == "wse:InvalidMessage"
        assert bench.status == 400
    assert len(bench.source.overview()) == 1


# -- SubscriptionEnd -----------------------------------------------------------------------------


@pytest.mark.conformance(270)
def test_shutting_down_says_good_bye(bench: EventBench) -> None:
    """The end of the service sends SourceShuttingDown to every EndTo, and no Subscribe is taken any more."""
    end_to = reference("EndTo", END_TO, "<wse:Identifier>urn:uuid:end</wse:Identifier>")
    identifier = bench.subscribe(delivery(), end_to)
    bench.subscribe(delivery(f"{SINK}/no-end"))
    success_result_of(bench.source.close())
    (post,) = bench.poster.take()
    assert post.url == END_TO
    envelope = post.envelope
    assert (envelope.to, envelope.action) == (END_TO, f"{ns.WSE}/SubscriptionEnd")
    header = envelope.header(f"{{{ns.WSE}}}Identifier")
    assert header is not None
    assert header.text == "urn:uuid:end"
    assert post.body.findtext("wse:Status", None, NS) == f"{ns.WSE}/SourceShuttingDown"
    assert post.body.findtext("wse:SubscriptionManager/wsa:Address", None, NS) == SERVICE
    assert post.body.findtext(".//wse:Identifier", None, NS) == identifier
    reason = post.body.find("wse:Reason", NS)
    assert reason is not None
    assert dict(reason.attrib) == {f"{{{ns.XML}}}lang": "en"}
    assert bench.source.overview() == []
    assert bench.refusal("Subscribe", delivery()) == "wse:EventSourceUnableToProcess"


def test_events_on_their_way_come_before_the_good_bye(bench: EventBench) -> None:
    """What was published before the end is delivered first, then SubscriptionEnd."""
    bench.subscribe(delivery(), reference("EndTo", END_TO))
    bench.source.publish(action("ScannerStatusSummaryEvent"), summary())
    closing = bench.source.close()
    no_result(closing)
    bench.clock.advance(0)
    success_result_of(closing)
    assert [post.event for post in bench.poster.take()] == ["ScannerStatusSummaryEvent", "SubscriptionEnd"]


def test_the_end_waits_only_a_moment_for_the_silent(bench: EventBench) -> None:
    """Sinks that do not answer delay the end by a fixed short time, however many there are."""
    bench.poster.silent.update((SINK, END_TO))
    for _ in range(5):
        bench.subscribe(delivery(), reference("EndTo", END_TO))
    bench.source.publish(action("ScannerStatusSummaryEvent"), summary())
    closing = bench.source.close()
    bench.clock.advance(FAREWELL_TIMEOUT_S)
    no_result(closing)
    bench.clock.advance(FAREWELL_TIMEOUT_S)
    success_result_of(closing)
    assert [post.event for post in bench.poster.take()].count("SubscriptionEnd") == 5


def test_an_administrator_may_end_a_subscription(bench: EventBench) -> None:
    """Ending one subscription sends SourceCancelling once and leaves the others alone."""
    identifier = bench.subscribe(delivery(f"{SINK}/1"), reference("EndTo", END_TO))
    bench.subscribe(delivery(f"{SINK}/2"))
    success_result_of(bench.source.end(identifier, EndStatus.SOURCE_CANCELLING, "removed"))
    success_result_of(bench.source.end(identifier, EndStatus.SOURCE_CANCELLING, "removed"))
    (post,) = bench.poster.take()
    assert post.body.findtext("wse:Status", None, NS) == f"{ns.WSE}/SourceCancelling"
    assert post.body.findtext("wse:Reason", None, NS) == "removed"
    assert publish(bench) == [f"{SINK}/2"]


@pytest.mark.conformance(271)
def test_a_dead_sink_loses_its_subscription(bench: EventBench) -> None:
    """After three events in a row that nobody took, the subscription ends with DeliveryFailure, told to EndTo once."""
    bench.poster.dead.add(SINK)
    identifier = bench.subscribe(delivery(), reference("EndTo", END_TO))
    for _ in range(DROPS_IN_A_ROW + 2):
        bench.source.publish(action("ScannerStatusSummaryEvent"), summary())
    bench.clock.pump([0.1] * int(10 * (DROPS_IN_A_ROW + 1) * sum(RETRY_DELAYS_S)))
    posts = bench.poster.take()
    attempts = DROPS_IN_A_ROW * (1 + len(RETRY_DELAYS_S))
    assert [post.event for post in posts] == ["ScannerStatusSummaryEvent"] * attempts + ["SubscriptionEnd"]
    assert posts[-1].url == END_TO
    assert posts[-1].body.findtext("wse:Status", None, NS) == f"{ns.WSE}/DeliveryFailure"
    assert bench.refusal("Renew", id=identifier) == "wse:UnableToRenew"


def test_a_good_bye_that_nobody_takes_is_tried_once(bench: EventBench) -> None:
    """SubscriptionEnd is one attempt, given up after its time-out, and nothing else depends on it."""
    bench.poster.silent.add(END_TO)
    identifier = bench.subscribe(delivery(), reference("EndTo", END_TO))
    ending = bench.source.end(identifier, EndStatus.SOURCE_CANCELLING, "removed")
    bench.clock.advance(ATTEMPT_TIMEOUT_S)
    success_result_of(ending)
    (post,) = bench.poster.take()
    assert post.cancelled
    bench.clock.advance(HOUR)
    assert bench.poster.take() == []


# -- what a service adds -------------------------------------------------------------------------


class Recorder:
    """An extension that notes what it is told."""

    def __init__(self, refuse: bool = False) -> None:
        self.refuse = refuse
        self.ends: list[tuple[str, bool]] = []

    def subscribe(self, subscriber: Subscription, request: Element) -> Sequence[Element]:
        if self.refuse:
            raise InvalidArgument("ScanDestinations", "unwanted")
        assert request.tag == f"{{{ns.WSE}}}Subscribe"
        context, token = WSCN_E("ClientContext", subscriber.sink), WSCN_E("DestinationToken", "t")
        return [WSCN_E("DestinationResponses", WSCN_E("DestinationResponse", context, token))]

    def ended(self, subscriber: Subscription, *, unsubscribed: bool) -> None:
        self.ends.append((subscriber.id, unsubscribed))

    def overview(self, subscriber: Subscription) -> Mapping[str, object]:
        return {"destinations": [subscriber.client]}


def test_an_extension_adds_to_the_answer_and_hears_of_the_end() -> None:
    """What an extension gives stands after Expires; it hears of each end and whether the client wished it."""
    recorder = Recorder()
    bench = EventBench(recorder)
    answer = bench.ask("Subscribe", delivery() + expires("PT1M"))
    response = answer.find("soap:Body/wse:SubscribeResponse", NS)
    assert response is not None
    assert [ns.local_name(child.tag) for child in response][1:] == ["Expires", "DestinationResponses"]
    expired = str(bench.source.overview()[0]["id"])
    left = bench.subscribe()
    cancelled = bench.subscribe()
    bench.ask("Unsubscribe", id=left)
    bench.clock.advance(60)
    bench.source.end(cancelled, EndStatus.SOURCE_CANCELLING, "removed")
    assert recorder.ends == [(left, True), (expired, False), (cancelled, False)]


def test_an_extension_may_refuse() -> None:
    """What an extension raises is a fault of the scan service, and there is no subscription."""
    bench = EventBench(Recorder(refuse=True))
    assert bench.refusal("Subscribe", delivery()) == "wscn:InvalidArgs"
    assert bench.source.overview() == []


def test_the_overview_is_for_the_status() -> None:
    """The status tells id, client, events by name, end of the term in UTC and what the extension adds, oldest first."""
    bench = EventBench(Recorder())
    first = bench.subscribe(
        delivery(), filter_of(action("JobEndStateEvent"), action("ScanAvailableEvent")), expires("PT1H")
    )
    bench.clock.advance(30)
    second = bench.subscribe(delivery(), filter_of(action("JobStatusEvent")), expires("PT1H"))
    assert bench.source.overview() == [
        {
            "id": first,
            "client": CLIENT,
            "events": ["ScanAvailableEvent", "JobEndStateEvent"],
            "expires": "2023-11-14T23:13:20Z",
            "destinations": [CLIENT],
        },
        {
            "id": second,
            "client": CLIENT,
            "events": ["JobStatusEvent"],
            "expires": "2023-11-14T23:13:50Z",
            "destinations": [CLIENT],
        },
    ]


def test_bodies_with_another_name_are_refused_everywhere(bench: EventBench) -> None:
    """An operation whose body is that of another operation gets wse:InvalidMessage."""
    identifier = bench.subscribe()
    swapped = {"Subscribe": "Renew", "Renew": "GetStatus", "GetStatus": "Unsubscribe", "Unsubscribe": "Renew"}
    for name, other in swapped.items():
        answer = bench.ask(name, id=identifier, body=f"<wse:{other}/>")
        assert answer.findtext(".//soap:Subcode/soap:Value", None, NS) == "wse:InvalidMessage", etree.tostring(answer)
    assert len(bench.source.overview()) == 1
