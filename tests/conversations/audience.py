"""Subscribers of a scene, each of which must hear what its filter names, in order, once, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bridge.dpws.expiry import parse_duration
from bridge.soap import namespaces as ns
from bridge.wsscan.events import EVENT_NAMES
from bridge.wsscan.press import NoDestination
from tests.conversations.chronicle import Chronicle, Told, words_of
from tests.conversations.crowd import Crowd
from tests.conversations.scene import Fault, Scene, body_of, text
from tests.fakes.event_bench import DIALECT, Post, RecordingPoster

MEMBERS = 6
"""Subscriptions that are there at a time, at most; the service takes 64."""

TERMS = ("PT20S", "PT2M", "PT1H")

FILTERS: tuple[tuple[str, ...], ...] = (
    (),
    ("",),
    *((name,) for name in EVENT_NAMES),
    ("JobStatusEvent", "JobEndStateEvent"),
    ("ScanAvailableEvent", "ScannerStatusSummaryEvent"),
)
"""What is asked for: nothing in particular, the namespace, or names."""


@dataclass(eq=False)
class Member:
    """One subscriber; `kind` says what its sink does with events: it is taking, dead or silent."""

    id: str
    client: str
    url: str
    wants: frozenset[str]
    kind: str
    ends_at: float
    due: list[Told] = field(default_factory=list)
    got: list[Told] = field(default_factory=list)
    farewell: list[Told] = field(default_factory=list)


class Audience:
    """`members` are the subscribers that the service still has, `former` those that it has not."""

    def __init__(self, scene: Scene, chronicle: Chronicle, poster: RecordingPoster) -> None:
        self.members: list[Member] = []
        self.former: list[Member] = []
        self._scene = scene
        self._chronicle = chronicle
        self._poster = poster
        self._told = 0

    # -- what subscribers do ---------------------------------------------------------------------

    def subscribe(self, crowd: Crowd, client: str, pick: int, kind: str = "taking") -> None:
        """Subscribe for one of FILTERS, with an EndTo, and with a destination where that means something."""
        if len(self.members) >= MEMBERS:
            return
        names, term = FILTERS[pick % len(FILTERS)], TERMS[pick // len(FILTERS) % len(TERMS)]
        url = f"http://{client}:5357/{len(self.members) + len(self.former)}"
        if kind != "taking":
            {"dead": self._poster.dead, "silent": self._poster.silent}[kind].add(url)
        wanted = " ".join(f"{ns.WSCN}/{name}" if name else f"{ns.WSCN}/" for name in names)
        body = (
            f"<wse:Subscribe><wse:EndTo><wsa:Address>{url}/end</wsa:Address></wse:EndTo>"
            f"<wse:Delivery><wse:NotifyTo><wsa:Address>{url}</wsa:Address></wse:NotifyTo></wse:Delivery>"
            f"<wse:Expires>{term}</wse:Expires>"
            + (f'<wse:Filter Dialect="{DIALECT}">{wanted}</wse:Filter>' if names else "")
            + "<{scan}:ScanDestinations><{scan}:ScanDestination><{scan}:ClientDisplayName>PC</{scan}:ClientDisplayName>"
            f"<{{scan}}:ClientContext>{url}</{{scan}}:ClientContext></{{scan}}:ScanDestination>"
            "</{scan}:ScanDestinations></wse:Subscribe>"
        )
        answer = crowd.ask(client, f"{ns.WSE}/Subscribe", body)
        if answer is None:
            return
        wants = frozenset(EVENT_NAMES) if "" in names or not names else frozenset(names)
        identifier = text(body_of(answer), ".//wse:Identifier")
        ends_at = self._scene.reactor.seconds() + parse_duration(term)
        self.members.append(Member(identifier, client, url, wants, kind, ends_at))

    def manage(self, crowd: Crowd, pick: int, operation: str) -> None:
        """Renew, GetStatus or Unsubscribe, of a subscription that is there or was."""
        choices = [*self.members, *self.former[-2:]]
        member = choices[pick % len(choices)]
        term = TERMS[pick % len(TERMS)]
        body = f"<wse:Renew><wse:Expires>{term}</wse:Expires></wse:Renew>" if operation == "Renew" else ""
        header = f"<wse:Identifier>{member.id}</wse:Identifier>"
        answer = crowd.ask(member.client, f"{ns.WSE}/{operation}", body or f"<wse:{operation}/>", extra=header)
        if answer is None:
            return
        if member in self.former:
            with pytest.raises(Fault, match="^UnableToRenew$" if operation == "Renew" else "^InvalidMessage$"):
                body_of(answer)
            return
        said = body_of(answer)
        now = self._scene.reactor.seconds()
        if operation == "Renew":
            member.ends_at = now + parse_duration(term)
        elif operation == "GetStatus":
            assert abs(parse_duration(text(said, "wse:Expires")) - (member.ends_at - now)) < 0.01
        else:
            self._leave(member)

    def press(self) -> None:
        """Somebody presses the scanner's button."""
        listening = [member for member in self.members if "ScanAvailableEvent" in member.wants]
        try:
            destination = self._scene.served.press(None)
        except NoDestination:
            assert not listening
            return
        (told,) = (member for member in listening if member.id == destination.subscription)
        told.due.append(("ScanAvailableEvent", destination.context))
        self._scene.wire.pump()

    # -- what they hear --------------------------------------------------------------------------

    def look(self) -> None:
        """See what has gone out since the last look, and whether that is what was due."""
        self._sort(self._poster.take())
        told, self._told = self._chronicle.told[self._told :], len(self._chronicle.told)
        alive = {one["id"] for one in self._scene.served.events.overview()}
        now = self._scene.reactor.seconds()
        for member in tuple(self.members):
            member.due += [entry for entry in told if entry[0] in member.wants]
            if member.kind != "taking":
                # Each event is tried more than once, but none that was not due, and none before its turn.
                attempts = [entry for index, entry in enumerate(member.got) if [entry] != member.got[index - 1 : index]]
                assert all(entry in member.due for entry in attempts)
            elif member.id in alive or now < member.ends_at:
                assert member.got == member.due, f"{member.got} instead of {member.due}"
                member.got, member.due = [], []
            else:
                # What is told at the very moment of its end may come too late.
                assert member.got == member.due[: len(member.got)]
            if member.id not in alive:
                self._leave(member)

    def check_farewells(self) -> None:
        """The service has ended: everybody who was there has heard of it."""
        for member in self.former:
            assert len(member.farewell) <= 1, member.farewell

    def _leave(self, member: Member) -> None:
        self.members.remove(member)
        self.former.append(member)
        member.due = []

    def _sort(self, posts: list[Post]) -> None:
        members = {member.url: member for member in (*self.members, *self.former)}
        for post in posts:
            if post.url.endswith("/end"):
                members[post.url.removesuffix("/end")].farewell.append(words_of(post.data))
                continue
            member = members[post.url]
            name, said = words_of(post.data)
            assert member in self.members, f"{name} after the end of the subscription"
            assert name in member.wants, f"{name} is not in the filter"
            assert post.envelope.action == f"{ns.WSCN}/{name}"
            member.got.append((name, said))
