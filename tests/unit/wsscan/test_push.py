"""A press of the button: which destination is told, with what, and which job may follow."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from bridge.errors import InvalidDestinationToken, InvalidScanIdentifier
from bridge.scanner.model import InputSource
from bridge.wsscan.destinations import GRACE_S, Destinations
from bridge.wsscan.press import (
    IDENTIFIER_LIFE_S,
    MAX_IDENTIFIERS,
    NoDestination,
    Presses,
    UnknownDestination,
)
from tests.fakes import tickets
from tests.fakes.event_bench import NS, SINK, EventBench, Post, action, delivery, expires, filter_of
from tests.fakes.scan_service import ScanServiceBench, names, text
from tests.unit.wsscan.test_destinations import destination, responses, wrapped

PLATEN, ADF = InputSource.PLATEN, InputSource.ADF


class Bench(EventBench):
    """An event source, its destinations and its button."""

    def __init__(self) -> None:
        clock = Clock()
        self.destinations = Destinations(clock)
        super().__init__(self.destinations, clock=clock)
        self.presses = Presses(self.destinations, self.source.send, clock)

    def register(self, *named: str, url: str = SINK, term: str | None = None) -> list[str]:
        """The tokens of destinations with these names, whose contexts are "<name> context"."""
        given = wrapped(*(destination(name, f"{name} context") for name in named))
        answer = self.ask("Subscribe", delivery(url) + filter_of(action("ScanAvailableEvent")) + expires(term) + given)
        return [token for _, token in responses(answer)]

    def told(self) -> Post:
        """The one message that has gone out."""
        self.clock.advance(0)
        (post,) = self.poster.take()
        return post

    def press(self, name: str | None = None, source: InputSource = PLATEN) -> str:
        """The identifier of a press."""
        self.presses.press(name, source)
        return text(self.told().body, "ScanIdentifier")


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- who is told what ----------------------------------------------------------------------------


@pytest.mark.conformance(276, 277, 278)
def test_only_the_chosen_destination_is_told(bench: Bench) -> None:
    """ScanAvailableEvent goes to the chosen destination's sink alone: ClientContext, ScanIdentifier, InputSource."""
    bench.register("Scan to A", "Print on A", url=f"{SINK}/a")
    bench.register("Scan to B", url=f"{SINK}/b")
    bench.subscribe(delivery(f"{SINK}/all"))
    bench.subscribe(delivery(f"{SINK}/without"), filter_of(action("ScanAvailableEvent")))
    chosen = bench.presses.press("Print on A", ADF)
    assert (chosen.name, chosen.context, chosen.sink) == ("Print on A", "Print on A context", f"{SINK}/a")
    post = bench.told()
    assert post.url == f"{SINK}/a"
    assert post.envelope.action == action("ScanAvailableEvent")
    assert post.body.tag == f"{{{NS['wscn']}}}ScanAvailableEvent"
    assert names(post.body) == ["ClientContext", "ScanIdentifier", "InputSource"]
    assert text(post.body, "ClientContext") == "Print on A context"
    assert text(post.body, "InputSource") == "ADF"


@pytest.mark.conformance(277)
def test_the_context_of_an_event_is_the_one_registered(bench: Bench) -> None:
    """A context with markup, line breaks and four-byte characters comes in the event as it was given."""
    context = " <&>\r\n\t\U0001f5a8 "
    given = wrapped(destination("PC", context).replace("\r", "&#13;"))
    bench.ask("Subscribe", delivery() + given)
    bench.presses.press("PC", PLATEN)
    assert text(bench.told().body, "ClientContext") == context


@pytest.mark.conformance(279)
def test_every_press_has_its_own_identifier(bench: Bench) -> None:
    """No two events have the same ScanIdentifier."""
    bench.register("PC")
    assert len({bench.press() for _ in range(20)}) == 20


def test_the_newest_subscription_of_a_place_is_told(bench: Bench) -> None:
    """A PC that has subscribed twice hears of a press once."""
    bench.register("PC")
    bench.register("PC")
    bench.press("PC")


# -- the choice ----------------------------------------------------------------------------------


def test_without_a_choice_the_only_destination_is_told(bench: Bench) -> None:
    """One destination needs no choosing."""
    bench.register("PC")
    assert bench.presses.press(None, PLATEN).name == "PC"


def test_without_a_choice_the_newest_is_told_first(bench: Bench) -> None:
    """Among several, the one that was registered last."""
    bench.register("A", "B")
    bench.register("C")
    assert bench.presses.press(None, PLATEN).name == "C"


def test_without_a_choice_the_last_one_is_told_again(bench: Bench) -> None:
    """Who was told last is told again, also after subscribing anew with another sink, until it is gone."""
    bench.register("A", url=f"{SINK}/1", term="PT10M")
    bench.register("B")
    bench.presses.press("A", PLATEN)
    assert bench.presses.press(None, PLATEN).name == "A"
    bench.register("A", url=f"{SINK}/2", term="PT20M")
    bench.register("C")
    assert bench.presses.press(None, PLATEN).sink == f"{SINK}/2"
    bench.clock.advance(1200)
    assert bench.presses.press(None, PLATEN).name == "C"


def test_a_pinned_destination_is_told_before_all(bench: Bench) -> None:
    """The setting names who is told when nobody chooses; a choice goes before it."""
    bench.register("A", "B")
    bench.presses.press("A", PLATEN)
    bench.presses.pinned = "B"
    assert bench.presses.press(None, PLATEN).name == "B"
    assert bench.presses.press("A", PLATEN).name == "A"
    assert bench.presses.press(None, PLATEN).name == "B"


def test_a_pinned_destination_that_is_not_there_is_an_error(bench: Bench) -> None:
    """A scan never goes to another place than the settings say: the error names the setting and who is there."""
    bench.register("A")
    bench.presses.pinned = "Attic"
    with pytest.raises(UnknownDestination, match=r"'Attic' \(the setting push.destination\); the names are: A"):
        bench.presses.press(None, PLATEN)
    assert bench.events() == []


def test_a_name_is_found_in_any_case_but_exactly_first(bench: Bench) -> None:
    """Case and white space around do not matter unless two names differ in nothing else."""
    bench.register("Scan to PC", "SCAN TO PC")
    assert bench.presses.press("Scan to PC", PLATEN).name == "Scan to PC"
    assert bench.presses.press(" scan to pc ", PLATEN).name == "SCAN TO PC"


def test_an_unknown_name_lists_those_that_there_are(bench: Bench) -> None:
    """The error for a wrong name says which names are right."""
    bench.register("Scan to A", "Print on A")
    with pytest.raises(UnknownDestination, match="registered as 'Attic'; the names are: Scan to A, Print on A"):
        bench.presses.press("Attic", PLATEN)
    assert bench.events() == []


def test_nobody_to_tell_is_an_error(bench: Bench) -> None:
    """Without any destination a press says that nobody listens and what to do."""
    bench.subscribe(delivery())
    with pytest.raises(NoDestination, match="add the scanner"):
        bench.presses.press(None, PLATEN)
    with pytest.raises(UnknownDestination, match="no computer is registered at all"):
        bench.presses.press("PC", PLATEN)
    assert bench.events() == []


def test_a_destination_that_is_gone_cannot_be_told(bench: Bench) -> None:
    """After its subscription has expired, a destination is no choice any more."""
    bench.register("PC", term="PT10M")
    bench.clock.advance(600)
    with pytest.raises(NoDestination):
        bench.presses.press(None, PLATEN)


# -- what may follow -----------------------------------------------------------------------------


def test_a_pull_scan_shows_nothing(bench: Bench) -> None:
    """Neither identifier nor token, or empty ones, are an ordinary job."""
    bench.presses.check(None, None)
    bench.presses.check("", "")


@pytest.mark.conformance(280)
def test_identifier_and_token_of_one_press_are_valid(bench: Bench) -> None:
    """What a client got from Subscribe and from the event is accepted, together or alone."""
    (token,) = bench.register("PC")
    identifier = bench.press()
    bench.presses.check(identifier, token)
    bench.presses.check(identifier, None)
    bench.presses.check(None, token)
    bench.presses.check("", token)


@pytest.mark.conformance(179)
@pytest.mark.parametrize("identifier", ["unknown", "0" * 32, "x" * 100000, " "])
def test_an_identifier_that_was_never_given_is_refused(bench: Bench, identifier: str) -> None:
    """An unknown ScanIdentifier is InvalidScanIdentifier, before the token is looked at."""
    (token,) = bench.register("PC")
    bench.press()
    for shown in (token, "wrong", None):
        with pytest.raises(InvalidScanIdentifier):
            bench.presses.check(identifier, shown)


@pytest.mark.conformance(180)
def test_a_token_that_was_never_given_is_refused(bench: Bench) -> None:
    """An unknown DestinationToken is InvalidDestinationToken."""
    bench.register("PC")
    identifier = bench.press()
    for shown in (identifier, None):
        with pytest.raises(InvalidDestinationToken):
            bench.presses.check(shown, "wrong")


@pytest.mark.conformance(181)
def test_an_identifier_is_used_once(bench: Bench) -> None:
    """Checking does not use it up, a job that is taken does."""
    (token,) = bench.register("PC")
    identifier = bench.press()
    other = bench.press()
    bench.presses.check(identifier, token)
    bench.presses.check(identifier, token)
    bench.presses.used(identifier)
    with pytest.raises(InvalidScanIdentifier):
        bench.presses.check(identifier, token)
    bench.presses.used(identifier)
    bench.presses.check(other, token)


def test_an_identifier_is_valid_for_ten_minutes(bench: Bench) -> None:
    """A client that comes later than that is refused."""
    bench.register("PC", term="PT1H")
    identifier = bench.press()
    bench.clock.advance(IDENTIFIER_LIFE_S - 0.1)
    bench.presses.check(identifier, None)
    bench.clock.advance(0.1)
    with pytest.raises(InvalidScanIdentifier):
        bench.presses.check(identifier, None)


def test_the_token_of_another_destination_is_refused(bench: Bench) -> None:
    """An identifier belongs to the destination that was told."""
    first, second = bench.register("A", "B")
    identifier = bench.press("A")
    bench.presses.check(identifier, first)
    with pytest.raises(InvalidDestinationToken):
        bench.presses.check(identifier, second)


def test_a_client_that_subscribed_anew_may_show_either_token(bench: Bench) -> None:
    """Between press and job a PC may renew its registration; both of its tokens name the same destination."""
    (old,) = bench.register("PC", term="PT10M")
    identifier = bench.press()
    (new,) = bench.register("PC", term="PT20M")
    bench.presses.check(identifier, old)
    bench.presses.check(identifier, new)


def test_a_press_outlives_its_subscription_as_long_as_the_token(bench: Bench) -> None:
    """A job that comes within a minute of the end of the subscription is still welcome."""
    (token,) = bench.register("PC", term="PT1M")
    identifier = bench.press()
    bench.clock.advance(60)
    bench.clock.advance(GRACE_S - 0.1)
    bench.presses.check(identifier, token)
    bench.clock.advance(0.1)
    with pytest.raises(InvalidDestinationToken):
        bench.presses.check(identifier, token)


def test_presses_without_a_job_are_bounded(bench: Bench) -> None:
    """Somebody who leans on the button cannot fill the memory: the oldest presses are forgotten."""
    bench.register("PC")
    identifiers = [bench.press() for _ in range(MAX_IDENTIFIERS + 1)]
    with pytest.raises(InvalidScanIdentifier):
        bench.presses.check(identifiers[0], None)
    bench.presses.check(identifiers[1], None)
    bench.presses.check(identifiers[-1], None)


# -- the whole flow ------------------------------------------------------------------------------


def ordered(identifier: str | None, token: str | None, ticket: str = tickets.WINDOWS_10) -> str:
    """A CreateScanJobRequest; None leaves an element out."""
    shown = "" if identifier is None else f"<sca:ScanIdentifier>{identifier}</sca:ScanIdentifier>"
    shown += "" if token is None else f"<sca:DestinationToken>{token}</sca:DestinationToken>"
    return f"<sca:CreateScanJobRequest>{shown}{ticket}</sca:CreateScanJobRequest>"


@pytest.mark.conformance(280, 179, 180, 181)
def test_a_job_follows_a_press(bench: Bench) -> None:
    """CreateScanJob with identifier and token from the flow makes a job, once; wrong ones are refused by name."""
    service = ScanServiceBench(push=bench.presses, extensions=[bench.source])
    (token,) = bench.register("PC")
    identifier = bench.press()
    assert service.subcode("CreateScanJob", ordered("wrong", token)) == "ClientErrorInvalidScanIdentifier"
    assert service.subcode("CreateScanJob", ordered(identifier, "wrong")) == "ClientErrorInvalidDestinationToken"
    unsupported = tickets.WINDOWS_10.replace(">exif<", ">xps<")
    assert service.subcode("CreateScanJob", ordered(identifier, token, unsupported)) == "ClientErrorFormatNotSupported"
    assert text(service.ask("CreateScanJob", ordered(identifier, token)), "JobId") == "1"
    assert service.subcode("CreateScanJob", ordered(identifier, token)) == "ClientErrorInvalidScanIdentifier"
    assert text(service.ask("CreateScanJob", ordered(None, token)), "JobId") == "2"
