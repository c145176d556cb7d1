"""WS-Discovery over UDP on the loopback interface: Hello heard, Probe and Resolve answered."""

from __future__ import annotations

import re
import socket
import struct
import time
import uuid

GROUP, PORT = "239.255.255.250", 3702
PATIENCE_S = 10.0

_ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof"><soap:Header>
<wsa:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</wsa:To>
<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/{action}</wsa:Action>
<wsa:MessageID>urn:uuid:{message}</wsa:MessageID>
</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"""

_PROBE = "<wsd:Probe><wsd:Types>wsdp:Device</wsd:Types></wsd:Probe>"
_RESOLVE = (
    "<wsd:Resolve><wsa:EndpointReference><wsa:Address>urn:uuid:{uuid}</wsa:Address></wsa:EndpointReference>"
    "</wsd:Resolve>"
)


class Asker:
    """Multicasts questions about the device `device_uuid` on loopback, one at a time."""

    REST_S = 0.06
    """Between questions: the bridge answers no more than so many a second to one source."""

    def __init__(self, device_uuid: str) -> None:
        self._resolve = _RESOLVE.format(uuid=device_uuid)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE_S)

    def probe(self) -> float:
        """Seconds from Probe to ProbeMatches."""
        return self._ask("Probe", _PROBE)

    def resolve(self) -> float:
        """Seconds from Resolve to ResolveMatches."""
        return self._ask("Resolve", self._resolve)

    def _ask(self, action: str, body: str) -> float:
        time.sleep(self.REST_S)
        message = str(uuid.uuid4())
        begun = time.perf_counter()
        self._socket.sendto(_ENVELOPE.format(action=action, message=message, body=body).encode(), (GROUP, PORT))
        # Answers to earlier questions are repeated, and still come.
        while not re.search(rb"RelatesTo[^>]*>urn:uuid:" + message.encode(), self._socket.recv(65536)):
            pass
        return time.perf_counter() - begun


class Listener:
    """Hears what is said to the group on loopback."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((GROUP, PORT))
        membership = socket.inet_aton(GROUP) + struct.pack("=4si", socket.inet_aton("127.0.0.1"), 0)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        self._socket.settimeout(60.0)

    def hello(self, port: int) -> float:
        """The moment (`time.perf_counter`) of the first Hello of the bridge with HTTP `port` that was not read yet."""
        while True:
            data, _, _, _ = self._socket.recvmsg(65536)
            heard = time.perf_counter()
            if b"/Hello<" in data and b":%d/" % port in data:
                return heard

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()
