"""Event sinks: where events may be sent, and what is kept of a client's endpoint reference."""

from __future__ import annotations

import pytest
from lxml import etree

from bridge.dpws.notifier import event_message
from bridge.dpws.sinks import MAX_PARAMETER_BYTES, MAX_PARAMETERS, Sink, SinkRules
from bridge.scanner.model import InputSource
from bridge.soap import namespaces as ns
from bridge.soap.envelope import read_envelope
from bridge.soap.exchange import Exchange
from bridge.soap.faults import SoapFault
from bridge.soap.parser import parse_xml
from bridge.wsscan.events import scan_available_event
from tests.fakes.event_bench import CLIENT, DEVICE, NS, action, lan_rules

OFF_LINK_CLIENT = "198.51.100.4"


def sink(
    url: str,
    peer: str = CLIENT,
    parameters: str = "",
    *,
    local: str = DEVICE,
    rules: SinkRules | None = None,
    declarations: str = "",
) -> Sink:
    """The sink that the rules make of NotifyTo with `url`."""
    block = f"<a:ReferenceParameters>{parameters}</a:ReferenceParameters>" if parameters else ""
    text = (
        f'<e:NotifyTo xmlns:a="{ns.WSA}" xmlns:e="{ns.WSE}" {declarations}>'
        f"<a:Address>{url}</a:Address>{block}</e:NotifyTo>"
    )
    return (rules or lan_rules()).sink(parse_xml(text.encode()), Exchange(local, 8018, peer, "/scan"))


def refused(url: str, peer: str = CLIENT, parameters: str = "", **others: str) -> str:
    """The reason of wsa:DestinationUnreachable."""
    with pytest.raises(SoapFault) as caught:
        sink(url, peer, parameters, **others)  # type: ignore[arg-type]
    assert caught.value.subcode == f"{{{ns.WSA}}}DestinationUnreachable"
    assert caught.value.action == ns.ADDRESSING_FAULT
    return caught.value.reason


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        (f"http://{CLIENT}:5357/4d5c-2a", CLIENT, 5357, "/4d5c-2a"),
        (f"http://{CLIENT}", CLIENT, 80, "/"),
        (f"http://{CLIENT}/", CLIENT, 80, "/"),
        (f"HTTP://{CLIENT}:65535/a/b?c=d&amp;e", CLIENT, 65535, "/a/b?c=d&e"),
        (f"http://{CLIENT}?q", CLIENT, 80, "/?q"),
        ("http://192.0.2.55:1/x", "192.0.2.55", 1, "/x"),
        (f"\n   http://{CLIENT}/wsd\n ", CLIENT, 80, "/wsd"),
    ],
)
def test_the_client_and_its_neighbours_may_be_sinks(url: str, host: str, port: int, target: str) -> None:
    """Events may go to the client's own address and to hosts on its network, at any port and path."""
    found = sink(url)
    assert (found.host, found.port, found.target) == (host, port, target)
    assert found.url == url.strip().replace("&amp;", "&")


def test_a_client_from_elsewhere_may_name_itself_only() -> None:
    """A client that settings allow from off the link gets events, the rest of its network does not."""
    assert sink(f"http://{OFF_LINK_CLIENT}:80/", OFF_LINK_CLIENT).host == OFF_LINK_CLIENT
    assert "network" in refused("http://198.51.100.5/", OFF_LINK_CLIENT)
    assert sink("http://[2001:db8::4]:80/", "2001:db8:0::4").host == "2001:db8::4"


@pytest.mark.parametrize(
    "host",
    [
        "198.51.100.4", "8.8.8.8", "[2001:db8::1]",
        "224.0.0.1", "239.255.255.250", "[ff02::c]",
        "0.0.0.0", "0.0.0.1", "[::]", "255.255.255.255", "240.0.0.1",
        "169.254.169.254", "169.254.170.2", "[fd00:ec2::254]", "[::ffff:169.254.169.254]",
        DEVICE, f"[::ffff:{DEVICE}]", "[fe80::7]",
        "127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
    ],
)  # fmt: skip
def test_other_addresses_are_refused(host: str) -> None:
    """Foreign networks, groups, this machine by any name, and metadata services get wsa:DestinationUnreachable."""
    everything = SinkRules(lambda address: host not in ("198.51.100.4", "8.8.8.8", "[2001:db8::1]"), lambda: OWN)
    refused(f"http://{host}:8080/x", rules=everything)  # type: ignore[arg-type]
    refused(f"http://{host}/")


OWN = (DEVICE, "fe80::7%eth0")


@pytest.mark.parametrize(
    "url",
    [
        "https://192.0.2.99/x", "ftp://192.0.2.99/x", "192.0.2.99/x", "http:/192.0.2.99/", "//192.0.2.99/",
        "http://", "http:///x", "http://192.0.2.99:0/", "http://192.0.2.99:65536/", "http://192.0.2.99:/",
        "http://192.0.2.99:-1/", "http://192.0.2.99:80x/", "http://user@192.0.2.99/", "http://a:b@192.0.2.99/",
        "http://192.0.2.99/#part", "http://192.0.2.99/a b", "http://192.0.2.99/\u00e9", "http://192.0.2.99\\@8.8.8.8/",
        "http://[192.0.2.99]/", "http://[fe80::99", "http://fe80::99/", "http://192.0.2.99/a&#10;b",
        "http://192.0.2.99/" + "x" * 2048, "urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a",
        "http://localhost/", "http://printer/", "http://pc.example/", "http://192.0.2.99.example/", "http://3221226083/",
        "http://0xc0000263/", "http://192.0.611/", "http://0300.0.2.99/", "http://192.0.2.099/", "http://192.0.2.99./",
    ],
)  # fmt: skip
def test_only_plain_http_urls_with_an_address_are_taken(url: str) -> None:
    """Another scheme, a name instead of an address, and every trick with URLs get wsa:DestinationUnreachable."""
    refused(url)


def test_a_name_is_refused_with_a_reason_that_says_so() -> None:
    """A client that gives its name is told that names are not resolved."""
    assert "names are not resolved" in refused("http://desktop-4711:5357/x")


@pytest.mark.parametrize("url", ["", "   ", "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"])
def test_a_sink_needs_an_address_of_its_own(url: str) -> None:
    """No address, or the anonymous one, is wse:InvalidMessage."""
    with pytest.raises(SoapFault) as caught:
        sink(url)
    assert caught.value.subcode == f"{{{ns.WSE}}}InvalidMessage"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.5", "::1", "::ffff:127.0.0.1"])
def test_a_client_on_this_machine_may_name_loopback(peer: str) -> None:
    """Programs on this machine that come by loopback may listen there."""
    assert sink("http://127.0.0.1:4711/x", peer).host == "127.0.0.1"
    assert sink("http://[::1]:4711/x", peer).netloc == "[::1]:4711"
    assert "network" in refused("http://198.51.100.4/", peer)


def test_a_client_whose_address_is_unknown_may_name_neighbours_only() -> None:
    """Without a peer address nothing is special."""
    assert "loopback" in refused("http://127.0.0.1/", "")
    assert sink("http://192.0.2.5/", "").host == "192.0.2.5"


def test_link_local_addresses_keep_their_interface() -> None:
    """A link-local sink is reached through the interface that the request came in by; the URL has no zone."""
    by_peer = sink("http://[fe80::99]:5357/x", "fe80::99%eth1")
    assert (by_peer.host, by_peer.netloc) == ("fe80::99%eth1", "[fe80::99]:5357")
    rules = lan_rules(interface_of={"fe80::7": "eth0"}.get)
    by_local = sink("http://[fe80::99%25theirs]:5357/x", "fe80::99", local="fe80::7", rules=rules)
    assert by_local.host == "fe80::99%eth0"
    assert "interface" in refused("http://[fe80::99]:5357/x", "fe80::99")


@pytest.mark.conformance(268)
def test_reference_parameters_are_copied_whole() -> None:
    """Every reference parameter and property is a header of each message: attributes, children, text and prefixes."""
    parameters = (
        '<w:Id xmlns:w="urn:w" w:kind="q:one" plain="&quot;2&quot;">\n '
        "<w:Inner>q:two &amp; &lt;three&gt;</w:Inner> tail<x:Other xmlns:x='urn:x'/></w:Id>"
        "<e:Identifier>urn:uuid:1</e:Identifier>"
    )
    found = sink(f"http://{CLIENT}/", parameters=parameters, declarations='xmlns:q="urn:q"')
    message = event_message(found, action("ScanAvailableEvent"), scan_available_event("c", "i", InputSource.PLATEN))
    envelope = read_envelope(message)
    block = envelope.header("{urn:w}Id")
    assert block is not None
    assert dict(block.attrib) == {"{urn:w}kind": "q:one", "plain": '"2"'}
    assert block.text == "\n "
    assert [(child.tag, child.text, child.tail) for child in block] == [
        ("{urn:w}Inner", "q:two & <three>", " tail"),
        ("{urn:x}Other", None, None),
    ]
    assert block.nsmap["q"] == "urn:q"
    identifier = envelope.header(f"{{{ns.WSE}}}Identifier")
    assert identifier is not None
    assert identifier.text == "urn:uuid:1"


def test_reference_properties_are_copied_too() -> None:
    """The older reference properties are treated like parameters."""
    text = (
        f'<e:NotifyTo xmlns:a="{ns.WSA}" xmlns:e="{ns.WSE}"><a:Address>http://{CLIENT}/</a:Address>'
        "<a:ReferenceProperties><e:Identifier>7</e:Identifier></a:ReferenceProperties></e:NotifyTo>"
    )
    found = lan_rules().sink(parse_xml(text.encode()), Exchange(DEVICE, 8018, CLIENT, "/scan"))
    assert [block.text for block in found.parameters] == ["7"]


def test_copies_do_not_belong_to_the_request() -> None:
    """What is kept stays the same whatever becomes of the request and of the messages."""
    found = sink(f"http://{CLIENT}/", parameters="<e:Identifier>7</e:Identifier>")
    body = scan_available_event("c", "i", InputSource.ADF)
    first = event_message(found, action("ScanAvailableEvent"), body)
    second = event_message(found, action("ScanAvailableEvent"), body)
    for message in (first, second):
        envelope = etree.fromstring(message)
        assert envelope.findtext("soap:Header/wse:Identifier", None, NS) == "7"
        assert envelope.findtext("soap:Body/wscn:ScanAvailableEvent/wscn:ClientContext", None, NS) == "c"


@pytest.mark.parametrize(
    "parameters",
    [
        f"<e:Identifier>{'x' * MAX_PARAMETER_BYTES}</e:Identifier>",
        "<e:Identifier/>" * (MAX_PARAMETERS + 1),
        "<a:Action>urn:else</a:Action>",
        "<a:To>urn:else</a:To>",
        f'<s:Body xmlns:s="{ns.SOAP}"/>',
        "<nowhere/>",
    ],
)
def test_parameters_that_cannot_be_headers_are_refused(parameters: str) -> None:
    """Too many, too large, without a namespace, or in the place of our own headers: the sink is refused."""
    refused(f"http://{CLIENT}/", parameters=parameters)
