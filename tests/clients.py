"""Requests as real clients write them: the same message in the words of Windows and of sane-airscan.

Prefixes, headers and their order follow what those clients send (wsd-scan.md 15); the bodies are up to the test. A
body is XML text in which the scan namespace has the client's prefix, so `{scan}` stands for it: `<{scan}:JobId>`.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.soap import namespaces as ns

MESSAGE_ID = "urn:uuid:5b7e4ba6-6f0b-4a43-9b7e-2c5ad94f0c11"
WINDOWS_ID = "urn:uuid:0a3f2f4e-5f63-4c6b-a1e4-6a7dd3a5b0c2"
SERVICE_URL = "http://192.0.2.7:8018/scan"

Client = Callable[..., bytes]
"""`client(action, body, message_id=..., to=..., extra=...)`; `extra` is XML text for more headers."""


def scan_action(operation: str) -> str:
    """The wsa:Action of a scan operation, CreateScanJob and the like."""
    return f"{ns.WSCN}/{operation}"


def windows(
    action: str, body: str = "", *, message_id: str = MESSAGE_ID, to: str = SERVICE_URL, extra: str = ""
) -> bytes:
    """A request in the words of Windows: prefixes soap, wsa, sca; ReplyTo with Address; From."""
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{ns.SOAP}" xmlns:wsa="{ns.WSA}" xmlns:wsd="{ns.WSD}" xmlns:wse="{ns.WSE}" '
        f'xmlns:wsdp="{ns.WSDP}" xmlns:sca="{ns.WSCN}"><soap:Header>'
        f"<wsa:To>{to}</wsa:To><wsa:Action>{action}</wsa:Action><wsa:MessageID>{message_id}</wsa:MessageID>"
        f"<wsa:ReplyTo><wsa:Address>{ns.ANONYMOUS}</wsa:Address></wsa:ReplyTo>"
        f"<wsa:From><wsa:Address>{WINDOWS_ID}</wsa:Address></wsa:From>{extra}"
        f"</soap:Header><soap:Body>{body.replace('{scan}', 'sca')}</soap:Body></soap:Envelope>"
    )
    return text.encode()


def airscan(
    action: str, body: str = "", *, message_id: str = MESSAGE_ID, to: str = ns.ANONYMOUS, extra: str = ""
) -> bytes:
    """A request in the words of sane-airscan: prefixes s, a, scan; the address stands in ReplyTo itself."""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<s:Envelope xmlns:s="{ns.SOAP}" xmlns:d="{ns.WSD}" xmlns:a="{ns.WSA}" xmlns:scan="{ns.WSCN}">\n'
        f"  <s:Header>\n    <a:MessageID>{message_id}</a:MessageID>\n    <a:To>{to}</a:To>\n"
        f"    <a:ReplyTo>{ns.ANONYMOUS}</a:ReplyTo>\n    <a:Action>{action}</a:Action>\n{extra}"
        f"  </s:Header>\n  <s:Body>\n{body.replace('{scan}', 'scan')}\n  </s:Body>\n</s:Envelope>\n"
    )
    return text.encode()


CLIENTS: dict[str, Client] = {"windows": windows, "airscan": airscan}
"""Every client by name, for tests that hold for all of them."""
