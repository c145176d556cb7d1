"""All seven events over HTTP, from Subscribe to the message that a sink gets: who hears what, when, and in which order.

Each event has a subscriber of its own, and one more hears everything; what they get is held against a chronicle of
what the jobs and the scanner really went through.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bridge.dpws.notifier import ATTEMPT_TIMEOUT_S, DROPS_IN_A_ROW, RETRY_DELAYS_S
from bridge.scanner import protocol
from bridge.scanner.protocol import ButtonPressed, Ready, Status, Watching
from bridge.settings import Push
from bridge.soap import namespaces as ns
from bridge.wsscan.events import EVENT_NAMES
from tests.conversations.chronicle import Chronicle, Told, words_of
from tests.conversations.scene import NAMES, Fault, Scene, feeder, text, ticket
from tests.fakes.event_bench import DIALECT, Post, RecordingPoster

CLIENT = "192.0.2.20"
HOME = f"http://{CLIENT}:5357"


class Hall(Scene):
    """A scene with listeners; `posts` are all messages that have gone out, by the last part of the sink's URL."""

    def __init__(self, directory: Path, push: Push | None = None) -> None:
        self.poster = RecordingPoster()
        super().__init__(directory, poster=self.poster, push=push)
        self.chronicle = Chronicle(self)
        self.posts: dict[str, list[Post]] = {}

    def subscribe(
        self, name: str, *events: str, expires: str = "PT1H", parameters: str = "", more: str = "", end: bool = False
    ) -> Any:
        """The answer to a subscription of `events`, none for all, with the sink HOME/name."""
        wanted = " ".join(f"{ns.WSCN}/{event}" for event in events)
        reference = f"<wsa:ReferenceParameters>{parameters}</wsa:ReferenceParameters>" if parameters else ""
        end_to = f"<wse:EndTo><wsa:Address>{HOME}/{name}-end</wsa:Address></wse:EndTo>" if end else ""
        body = (
            f"<wse:Subscribe>{end_to}<wse:Delivery><wse:NotifyTo><wsa:Address>{HOME}/{name}</wsa:Address>{reference}"
            f"</wse:NotifyTo></wse:Delivery><wse:Expires>{expires}</wse:Expires>"
            + (f'<wse:Filter Dialect="{DIALECT}">{wanted}</wse:Filter>' if events else "")
            + f"{more}</wse:Subscribe>"
        )
        return self.ask(f"{ns.WSE}/Subscribe", body, peer=CLIENT)

    def manage(self, operation: str, identifier: str, content: str = "") -> Any:
        """The answer to Renew, GetStatus or Unsubscribe. Raises Fault."""
        header = f"<wse:Identifier>{identifier}</wse:Identifier>"
        body = f"<wse:{operation}>{content}</wse:{operation}>"
        return self.ask(f"{ns.WSE}/{operation}", body, peer=CLIENT, extra=header)

    def ask(self, *arguments: Any, **options: Any) -> Any:
        """A question on a connection of its own, which is closed afterwards: one client may have few of them."""
        try:
            return super().ask(*arguments, **options)
        finally:
            self.wire.connections[-1].disconnect()
            del self.wire.connections[-1]

    def heard(self, name: str) -> list[Told]:
        """What the listener `name` has heard so far, in the words of the chronicle."""
        self.collect()
        return [words_of(post.data) for post in self.posts.get(name, [])]

    def collect(self) -> dict[str, list[Post]]:
        """Take up what has gone out."""
        self.wire.pump()
        for post in self.poster.take():
            self.posts.setdefault(post.url.rpartition("/")[2], []).append(post)
        return self.posts


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


def destinations(*names: str) -> str:
    """ScanDestinations with these display names, whose contexts are the names in capitals."""
    inside = "".join(
        f"<{{scan}}:ScanDestination><{{scan}}:ClientDisplayName>{name}</{{scan}}:ClientDisplayName>"
        f"<{{scan}}:ClientContext>{name.upper()}</{{scan}}:ClientContext></{{scan}}:ScanDestination>"
        for name in names
    )
    return f"<{{scan}}:ScanDestinations>{inside}</{{scan}}:ScanDestinations>"


def pushed(identifier: str, token: str) -> str:
    """What stands before the ticket of a job that follows a press of the button."""
    return (
        f"<{{scan}}:ScanIdentifier>{identifier}</{{scan}}:ScanIdentifier>"
        f"<{{scan}}:DestinationToken>{token}</{{scan}}:DestinationToken>"
    )


def eventful_day(hall: Hall, token: str) -> None:
    """All that any event tells of: a press and its job, a jam that is mended, a move, jobs that end badly."""
    hall.served.press("Desk")
    (press,) = hall.collect()["ScanAvailableEvent"]
    identifier = text(press.body, "wscn:ScanIdentifier")
    job = hall.create(ticket("pushed", parameters=feeder(2)), before=pushed(identifier, token))
    assert hall.scan_page(job).status == 200
    jammed = hall.retrieve(job)
    hall.worker.fail(Status.JAMMED)
    assert jammed.status == 500
    assert hall.scan_page(job).status == 200
    hall.served.move_to("the attic")
    cancelled, lost = hall.create(ticket("cancelled")), hall.create(ticket("lost"))
    hall.retrieve(cancelled)
    hall.worker.open()
    hall.worker.begin(b"half")
    hall.retrieve(lost)
    hall.cancel(cancelled)
    hall.worker.open()
    hall.worker.die()
    hall.wire.advance(1)


# -- who hears what ------------------------------------------------------------------------------


@pytest.mark.conformance(250, 252, 254, 276, 280, 281, 282, 283, 285, 286, 287, 288, 289)
def test_everybody_hears_what_he_asked_for(hall: Hall) -> None:
    """A subscriber of one event hears exactly that one, and one with the namespace as a prefix all, in order."""
    answer = hall.subscribe("ScanAvailableEvent", "ScanAvailableEvent", more=destinations("Desk", "Mail"))
    for name in EVENT_NAMES[1:]:
        hall.subscribe(name, name)
    hall.subscribe("everything", "")
    eventful_day(hall, text(answer, ".//wscn:DestinationToken"))
    expected = hall.chronicle.told
    # The move is told by no observer; where it belongs is between the two jobs.
    moved = ("ScannerElementsChangeEvent", "ScannerDescription")
    place = hall.heard("everything").index(moved)
    assert expected[place - 1] == ("ScannerStatusSummaryEvent", "Idle None")
    expected.insert(place, moved)
    assert hall.heard("everything") == expected
    for name in EVENT_NAMES[1:]:
        assert hall.heard(name) == [told for told in expected if told[0] == name] != []
    assert hall.heard("ScanAvailableEvent") == [("ScanAvailableEvent", "DESK")]
    assert {name for name, _ in expected} == set(EVENT_NAMES[1:])


@pytest.mark.conformance(218, 239, 281, 282, 283, 284)
def test_the_events_of_one_job(hall: Hall) -> None:
    """From Started to the end there is one event for each change, then one JobEndStateEvent with the same count."""
    hall.subscribe("jobs", "JobStatusEvent", "JobEndStateEvent")
    job = hall.create(ticket("letters", "eva"))
    assert hall.heard("jobs") == []
    hall.scan_page(job)
    assert hall.heard("jobs") == [
        ("JobStatusEvent", "1 Started None 0"),
        ("JobStatusEvent", "1 Processing JobScanning 0"),
        ("JobStatusEvent", "1 Processing JobScanningAndTransferring 0"),
        ("JobStatusEvent", "1 Processing JobScanningAndTransferring 1"),
        ("JobStatusEvent", "1 Processing JobTransferring 1"),
        ("JobStatusEvent", "1 Completed None 1"),
        ("JobEndStateEvent", "1 Completed None 1"),
    ]
    *changes, ended, end = (post.body[0] for post in hall.posts["jobs"])
    assert all(change.find("wscn:JobCompletedTime", NAMES) is None for change in changes)
    assert text(ended, "wscn:JobCompletedTime") >= text(ended, "wscn:JobCreatedTime")
    assert [ns.local_name(child.tag) for child in end] == [
        "JobId",
        "JobCompletedState",
        "JobCompletedStateReasons",
        "JobName",
        "JobOriginatingUserName",
        "ScansCompleted",
        "JobCompletedTime",
    ]
    assert (text(end, "wscn:JobName"), text(end, "wscn:JobOriginatingUserName")) == ("letters", "eva")
    assert text(end, "wscn:JobCompletedTime") == text(ended, "wscn:JobCompletedTime")


@pytest.mark.conformance(282, 283, 224, 228)
def test_jobs_that_never_began(hall: Hall) -> None:
    """A job that nobody comes for, and one that is cancelled before, tell of their end, and only of that."""
    hall.subscribe("jobs", "JobStatusEvent", "JobEndStateEvent")
    hall.cancel(hall.create(ticket()))
    hall.create(ticket())
    hall.wire.advance(60)
    assert hall.heard("jobs") == [
        ("JobStatusEvent", "1 Terminating None 0"),
        ("JobStatusEvent", "1 Canceled None 0"),
        ("JobEndStateEvent", "1 Canceled None 0"),
        ("JobStatusEvent", "2 Aborted JobTimedOut 0"),
        ("JobEndStateEvent", "2 Aborted JobTimedOut 0"),
    ]


@pytest.mark.conformance(244, 245, 247, 248, 285, 286, 287)
def test_a_jam_from_its_beginning_to_its_end(hall: Hall) -> None:
    """A jam appears and is cleared under one Id, the scanner is Stopped between, and the status remembers it."""
    hall.subscribe("scanner", *(name for name in EVENT_NAMES if name.startswith("ScannerStatus")))
    job = hall.create(ticket(parameters=feeder(1)))
    hall.retrieve(job)
    hall.worker.open()
    hall.worker.fail(Status.JAMMED)
    assert text(hall.scanner_status(), ".//wscn:DeviceCondition/wscn:Name") == "MediaJam"
    hall.scan_page(job)
    assert hall.heard("scanner") == [
        ("ScannerStatusSummaryEvent", "Processing None"),
        ("ScannerStatusConditionEvent", "1 MediaJam ADF Critical"),
        ("ScannerStatusSummaryEvent", "Stopped MediaJam"),
        ("ScannerStatusConditionClearedEvent", "1"),
        ("ScannerStatusSummaryEvent", "Processing None"),
        ("ScannerStatusSummaryEvent", "Idle None"),
    ]
    shown = hall.scanner_status()
    assert shown.find(".//wscn:DeviceCondition", NAMES) is None
    (remembered,) = shown.iterfind(".//wscn:ConditionHistoryEntry", NAMES)
    appeared, cleared = (hall.posts["scanner"][index].body for index in (1, 3))
    assert remembered.get("Id") == "1"
    assert text(remembered, "wscn:Time") == text(appeared, ".//wscn:Time")
    assert text(remembered, "wscn:ClearTime") == text(cleared, ".//wscn:ConditionClearTime")


# -- the button ----------------------------------------------------------------------------------


@pytest.mark.conformance(179, 180, 181, 182, 273, 274, 276, 277, 278, 279, 280)
def test_from_the_button_to_the_job(hall: Hall) -> None:
    """Only the chosen destination hears of a press; its identifier and token make one job, wrong ones none."""
    answer = hall.subscribe("a", "ScanAvailableEvent", more=destinations("Desk", "Mail"))
    given = [text(each, "wscn:DestinationToken") for each in answer.iterfind(".//wscn:DestinationResponse", NAMES)]
    assert [each.text for each in answer.iterfind(".//wscn:ClientContext", NAMES)] == ["DESK", "MAIL"]
    assert len(set(given)) == 2
    hall.subscribe("b", "ScanAvailableEvent", more=destinations("Other"))
    hall.subscribe("all")
    for _ in range(2):
        hall.served.press("Mail")
    assert hall.heard("a") == [("ScanAvailableEvent", "MAIL")] * 2
    assert hall.heard("b") == hall.heard("all") == []
    bodies = [post.body for post in hall.posts["a"]]
    assert [ns.local_name(each.tag) for each in bodies[0]] == ["ClientContext", "ScanIdentifier", "InputSource"]
    first, second = (text(each, "wscn:ScanIdentifier") for each in bodies)
    assert first != second
    with pytest.raises(Fault, match="ClientErrorInvalidDestinationToken"):
        hall.create(ticket(), before=pushed(first, "guessed"))
    with pytest.raises(Fault, match="ClientErrorInvalidScanIdentifier"):
        hall.create(ticket(), before=pushed("guessed", given[1]))
    with pytest.raises(Fault, match="ClientErrorInvalidDestinationToken"):
        hall.create(ticket(), before=pushed(first, given[0]))
    assert hall.active() == []
    job = hall.create(ticket(), before=pushed(first, given[1]))
    with pytest.raises(Fault, match="ClientErrorInvalidScanIdentifier"):
        hall.create(ticket(), before=pushed(first, given[1]))
    assert hall.scan_page(job).status == 200
    hall.create(ticket())


@pytest.mark.conformance(276)
def test_a_button_that_the_settings_explain(tmp_path: Path) -> None:
    """push.buttons says what a button is for that only has a number, and that another one is for nothing."""
    hall = Hall(tmp_path, Push(buttons=("button-2: email", "scan: none")))
    hall.subscribe("a", "ScanAvailableEvent", more=destinations("Desk", "Mail"))
    hall.served.buttons.switch(0.5)
    hall.worker.say(Ready(), Watching(("scan", "button-1", "button-2"), None))
    for button in ("scan", "button-2", "button-1"):
        hall.worker.say(ButtonPressed(button))
    assert hall.heard("a") == [("ScanAvailableEvent", "MAIL"), ("ScanAvailableEvent", "DESK")]


@pytest.mark.conformance(279)
def test_an_identifier_does_not_last_for_ever(hall: Hall) -> None:
    """Ten minutes after the press its identifier makes no job any more."""
    answer = hall.subscribe("a", "ScanAvailableEvent", more=destinations("Desk"))
    hall.served.press(None)
    (press,) = hall.collect()["a"]
    hall.wire.advance(600)
    late = pushed(text(press.body, "wscn:ScanIdentifier"), text(answer, ".//wscn:DestinationToken"))
    with pytest.raises(Fault, match="ClientErrorInvalidScanIdentifier"):
        hall.create(ticket(), before=late)


# -- the life of a subscription ------------------------------------------------------------------


@pytest.mark.conformance(257, 258, 259, 260, 268, 269)
def test_what_a_message_to_a_sink_looks_like(hall: Hall) -> None:
    """A message repeats the sink's reference parameters, names its address and event, and has an id of its own."""
    mine = '<my:Ticket xmlns:my="urn:mine" my:at="here">a <my:b/> c</my:Ticket>'
    answer = hall.subscribe("mine", "JobStatusEvent", expires="PT60M", parameters=mine)
    assert text(answer, "wse:Expires") == "PT1H"
    assert text(answer, ".//wse:SubscriptionManager//wse:Identifier").startswith("urn:uuid:")
    hall.scan_page(hall.create(ticket()))
    posts = hall.collect()["mine"]
    assert len({post.envelope.message_id for post in posts}) == len(posts) == 6
    for post in posts:
        header = etree.fromstring(post.data).find("soap:Header", NAMES)
        assert text(header, "wsa:To") == f"{HOME}/mine"
        assert text(header, "wsa:Action") == f"{ns.WSCN}/JobStatusEvent"
        (repeated,) = header.iterfind("{urn:mine}Ticket")
        assert (repeated.get("{urn:mine}at"), repeated.text, repeated[0].tail) == ("here", "a ", " c")


@pytest.mark.conformance(262, 263, 264, 265, 266, 267)
def test_a_subscription_lives_as_long_as_its_client_wishes(hall: Hall) -> None:
    """Renewed it lives on with its token, unsubscribed or expired it hears nothing more and can be managed no more."""
    ids = {}
    for name in ("renewed", "expired", "left"):
        answer = hall.subscribe(name, "JobEndStateEvent", "ScanAvailableEvent", expires="PT5M", more=destinations(name))
        ids[name] = text(answer, ".//wse:Identifier")
        if name == "renewed":
            token = text(answer, ".//wscn:DestinationToken")
    hall.wire.advance(200)
    assert text(hall.manage("GetStatus", ids["expired"]), "wse:Expires") == "PT1M40S"
    assert text(hall.manage("Renew", ids["renewed"], "<wse:Expires>PT10M</wse:Expires>"), "wse:Expires") == "PT10M"
    hall.scan_page(hall.create(ticket()))
    hall.collect()
    hall.manage("Unsubscribe", ids["left"])
    hall.scan_page(hall.create(ticket()))
    hall.collect()
    hall.wire.advance(100)
    hall.scan_page(hall.create(ticket()))
    assert [len(hall.heard(name)) for name in ("renewed", "expired", "left")] == [3, 2, 1]
    for name in ("expired", "left"):
        for operation, fault in (("Renew", "UnableToRenew"), ("GetStatus", "Invalid"), ("Unsubscribe", "Invalid")):
            with pytest.raises(Fault, match=fault):
                hall.manage(operation, ids[name])
    hall.served.press("renewed")
    (press,) = (post for post in hall.collect()["renewed"] if post.event == "ScanAvailableEvent")
    hall.create(ticket(), before=pushed(text(press.body, "wscn:ScanIdentifier"), token))


@pytest.mark.conformance(251, 253, 255, 256, 261)
def test_subscriptions_that_are_refused(hall: Hall) -> None:
    """A foreign mode, filter, dialect or term is the fault that WS-Eventing or DPWS has for it, and leaves nothing."""
    to = f"<wse:NotifyTo><wsa:Address>{HOME}/x</wsa:Address></wse:NotifyTo>"
    push = f"<wse:Delivery>{to}</wse:Delivery>"
    wrong = {
        f'<wse:Delivery Mode="urn:pull">{to}</wse:Delivery>': "DeliveryModeRequestedUnavailable",
        f'{push}<wse:Filter Dialect="{DIALECT}">urn:one urn:two</wse:Filter>': "FilterActionNotSupported",
        f'{push}<wse:Filter Dialect="urn:strange">{ns.WSCN}/JobStatusEvent</wse:Filter>': "FilteringRequested",
        f"{push}<wse:Expires>PT0S</wse:Expires>": "InvalidExpirationTime",
        f"{push}<wse:Expires>2001-01-01T00:00:00Z</wse:Expires>": "ExpirationT",
        "<wse:Delivery><wse:NotifyTo><wsa:Address>http://8.8.8.8/x</wsa:Address></wse:NotifyTo></wse:Delivery>": (
            "DestinationUnreachable"
        ),
    }
    for content, fault in wrong.items():
        with pytest.raises(Fault, match=fault):
            hall.ask(f"{ns.WSE}/Subscribe", f"<wse:Subscribe>{content}</wse:Subscribe>", peer=CLIENT)
    assert hall.served.events.overview() == []
    hall.subscribe("two", "JobEndStateEvent", "JobStatusEvent")
    hall.scan_page(hall.create(ticket()))
    assert len(hall.heard("two")) == 7


# -- sinks that do not take anything --------------------------------------------------------------


@pytest.mark.conformance(271, 272)
def test_sinks_that_take_nothing_delay_nobody(hall: Hall) -> None:
    """While one sink is dead and another silent, a scan takes no time at all and a third hears everything at once."""
    hall.poster.dead.add(f"{HOME}/dead")
    hall.poster.silent.add(f"{HOME}/silent")
    for name in ("dead", "silent", "well"):
        hall.subscribe(name, "JobStatusEvent", "JobEndStateEvent", end=True)
    for _ in range(3):
        hall.scan_page(hall.create(ticket()))
    assert hall.reactor.seconds() == 0
    assert hall.heard("well") == [told for told in hall.chronicle.told if told[0].startswith("Job")]
    for name in ("dead", "silent"):
        assert set(hall.heard(name)) == {("JobStatusEvent", "1 Started None 0")}
    one_event_s = sum(RETRY_DELAYS_S) + ATTEMPT_TIMEOUT_S * (1 + len(RETRY_DELAYS_S))
    for _ in range(int(one_event_s * DROPS_IN_A_ROW)):
        hall.wire.advance(1)
    assert len(hall.served.events.overview()) == 1
    for name in ("dead", "silent"):
        assert hall.heard(f"{name}-end") == [("SubscriptionEnd", "DeliveryFailure")]
        assert len(set(hall.heard(name))) == DROPS_IN_A_ROW
    assert hall.heard("well-end") == []


@pytest.mark.conformance(270)
def test_the_end_of_the_service(hall: Hall) -> None:
    """A stopping daemon tells the end of its jobs first and then, to whoever gave an EndTo, that it shuts down."""
    hall.subscribe("all", end=True)
    hall.subscribe("unnoticed")
    job = hall.create(ticket())
    hall.retrieve(job)
    hall.worker.open()
    hall.worker.begin(b"half")
    stopped: list[None] = []
    hall.served.stop(hall.tree).addCallback(stopped.append)
    assert hall.heard("all") == hall.chronicle.told
    assert stopped == [None]
    assert hall.heard("all")[-3:-1] == [
        ("JobStatusEvent", "1 Aborted ScannerStopped 0"),
        ("JobEndStateEvent", "1 Aborted ScannerStopped 0"),
    ]
    assert hall.heard("all-end") == [("SubscriptionEnd", "SourceShuttingDown")]
    assert "unnoticed-end" not in hall.posts
    assert isinstance(hall.reactor.process.heard[-1], protocol.Close)
