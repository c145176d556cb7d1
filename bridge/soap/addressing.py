"""The WS-Addressing rules that hold at every endpoint of ours (discovery-and-metadata.md 9)."""

from __future__ import annotations

from bridge.soap import namespaces as ns
from bridge.soap.envelope import Envelope, TooLargeToSend, not_understood, write_envelope
from bridge.soap.faults import SoapFault, fault_body

MAX_URI = 2048
"""Longest address or MessageID in characters (DPWS MAX_URI_SIZE, checklist 84)."""


def check_request(envelope: Envelope) -> str:
    """The action of a request that expects an answer on its HTTP response.

    Raises SoapFault for a header that is missing, too long, must be understood and is not, or asks for the answer
    elsewhere (checklist 13, 15, 18).
    """
    strangers = not_understood(envelope)
    if strangers:
        raise SoapFault.must_understand(strangers)
    for name, value in (("wsa:Action", envelope.action), ("wsa:MessageID", envelope.message_id)):
        if not value:
            raise SoapFault.header_required(name)
        if len(value) > MAX_URI:
            raise SoapFault.invalid_header(name, f"longer than {MAX_URI} characters")
    for name, address in (("wsa:ReplyTo", envelope.reply_to), ("wsa:FaultTo", envelope.fault_to)):
        if address not in (None, "", ns.ANONYMOUS):
            raise SoapFault.invalid_header(name, "answers go to the HTTP response only")
    assert envelope.action is not None
    return envelope.action


def fault_message(fault: SoapFault, request: Envelope | None) -> bytes:
    """`fault` as a whole message that answers `request`, as far as that could be read (checklist 8)."""
    relates_to = request.message_id if request is not None else fault.relates_to
    if not relates_to or len(relates_to) > MAX_URI:
        relates_to = None
    try:
        return write_envelope(fault.action, fault_body(fault), relates_to=relates_to, headers=fault.headers)
    except TooLargeToSend:
        # Only a detail can grow so large, and it is optional; the subcode is what counts.
        short = SoapFault(fault.code, fault.subcode, fault.reason, action=fault.action)
        return write_envelope(short.action, fault_body(short), relates_to=relates_to, headers=fault.headers)
