"""Which SOAP headers a message of each kind carries, and that its Action fits its Body."""

from lxml import etree

from tests.schema.names import namespace_of
from tests.schema.tables import (
    ANONYMOUS,
    DISCOVERY_URN,
    KNOWN_HEADERS,
    MATCHES_ACTIONS,
    MESSAGES,
    MULTICAST_ACTIONS,
    PREFIXES,
    QUERY_ACTIONS,
    SOAP,
    SUBSCRIPTION_ACTIONS,
    WSA,
    WSD,
    WSE,
    Kind,
)
from tests.schema.violation import violation

ACTION = f"{{{WSA}}}Action"
TO = f"{{{WSA}}}To"
MESSAGE_ID = f"{{{WSA}}}MessageID"
RELATES_TO = f"{{{WSA}}}RelatesTo"
REPLY_TO = f"{{{WSA}}}ReplyTo"
FROM = f"{{{WSA}}}From"
APP_SEQUENCE = f"{{{WSD}}}AppSequence"
IDENTIFIER = f"{{{WSE}}}Identifier"
NOT_UNDERSTOOD = f"{{{SOAP}}}NotUnderstood"
UPGRADE = f"{{{SOAP}}}Upgrade"
FAULT = f"{{{SOAP}}}Fault"


def body_root(envelope: etree._Element) -> etree._Element | None:
    """Return the only child of the Body of a schema-valid `envelope`, None when the Body is empty."""
    return next(envelope[-1].iterchildren(etree.Element), None)


def header_blocks(envelope: etree._Element) -> dict[str, etree._Element]:
    """Return the header blocks of known namespaces by Clark name.

    Raises SchemaViolation for a block without namespace, one that we never send, and a repeated one.
    """
    blocks: dict[str, etree._Element] = {}
    for block in envelope[0].iterchildren(etree.Element):
        if namespace_of(block) is None:
            raise violation(f"the header block {block.tag!r} has no namespace", block)
        if namespace_of(block) not in PREFIXES:
            continue
        if block.tag not in KNOWN_HEADERS:
            raise violation(f"{block.tag} is not a header block that we send", block)
        if block.tag in blocks and block.tag != NOT_UNDERSTOOD:
            raise violation(f"the header block {block.tag} is there twice", envelope[0])
        blocks[block.tag] = block
    return blocks


def check_headers(envelope: etree._Element) -> str:
    """Check the headers of a schema-valid `envelope` against its Action, and return the Action.

    Raises SchemaViolation (wsd-scan.md 2 and 3, discovery-and-metadata.md 4 and 9, eventing.md 3 and 8).
    """
    header, blocks = envelope[0], header_blocks(envelope)
    for name in (ACTION, MESSAGE_ID, TO):
        if name not in blocks:
            raise violation(f"the header {name} is missing", header)
    action = blocks[ACTION].text or ""
    if action not in MESSAGES:
        raise violation(f"{action!r} is no action that we send", header)
    _check_reference_parameters(envelope)
    _check_body(envelope, action)
    _check_destination(action, blocks)
    _check_relation(envelope, action, blocks)
    _check_reply_headers(action, blocks)
    sequenced = action in MULTICAST_ACTIONS | MATCHES_ACTIONS
    if sequenced != (APP_SEQUENCE in blocks):
        raise violation(f"{action} {'lacks' if sequenced else 'has'} wsd:AppSequence", header)
    if action in SUBSCRIPTION_ACTIONS and IDENTIFIER not in blocks:
        raise violation("wse:Identifier, which names the subscription, is missing", header)
    root = body_root(envelope)
    if (root is None or root.tag != FAULT) and (NOT_UNDERSTOOD in blocks or UPGRADE in blocks):
        raise violation("NotUnderstood and Upgrade belong to faults", header)
    return action


def _check_reference_parameters(envelope: etree._Element) -> None:
    for parameters in envelope.iter(f"{{{WSA}}}ReferenceParameters"):
        for parameter in parameters.iterchildren(etree.Element):
            if namespace_of(parameter) in PREFIXES and parameter.tag != IDENTIFIER:
                raise violation(f"{parameter.tag} is no reference parameter", parameters)


def _check_body(envelope: etree._Element, action: str) -> None:
    expected, root = MESSAGES[action].body, body_root(envelope)
    if (None if root is None else root.tag) != expected:
        found = "an empty Body" if root is None else root.tag
        raise violation(f"{action} goes with {expected or 'an empty Body'}, not with {found}", envelope)


def _check_destination(action: str, blocks: dict[str, etree._Element]) -> None:
    to = blocks[TO].text or ""
    kind = MESSAGES[action].kind
    if kind is Kind.RESPONSE:
        fits, expected = to == ANONYMOUS, "the anonymous URI"
    elif action in MULTICAST_ACTIONS:
        fits, expected = to == DISCOVERY_URN, DISCOVERY_URN
    elif action in QUERY_ACTIONS:
        fits, expected = to == DISCOVERY_URN or to.startswith("http://"), f"{DISCOVERY_URN} or an http URL"
    elif kind is Kind.ONE_WAY:
        fits, expected = to.startswith("http://"), "the http URL of the sink"
    else:
        fits, expected = to != ANONYMOUS, "the address of the endpoint"
    if not fits:
        raise violation(f"To of {action} is not {expected}", blocks[TO])


def _check_relation(envelope: etree._Element, action: str, blocks: dict[str, etree._Element]) -> None:
    related = RELATES_TO in blocks
    if MESSAGES[action].kind is not Kind.RESPONSE:
        if related:
            raise violation(f"{action} answers nothing, so it has no RelatesTo", envelope[0])
        return
    root = body_root(envelope)
    # Whether a fault had a MessageID to relate to is for the rules of faults.
    if not related and (root is None or root.tag != FAULT):
        raise violation("a response needs RelatesTo", envelope[0])


def _check_reply_headers(action: str, blocks: dict[str, etree._Element]) -> None:
    for name in (REPLY_TO, FROM):
        if name in blocks and MESSAGES[action].kind is not Kind.REQUEST:
            raise violation(f"{name} is only for requests", blocks[name])
    if REPLY_TO in blocks and blocks[REPLY_TO].findtext(f"{{{WSA}}}Address") != ANONYMOUS:
        raise violation("ReplyTo must be anonymous", blocks[REPLY_TO])
