"""Whether a request was written by a page of somebody else in a browser on our network.

Such a page can send requests to any address (cross-site requests), and give a name of its own domain our address to
pass for a page of ours (DNS rebinding). Browsers tell of both in headers that no page can change; clients of WSD are no
browsers and come by address.
"""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address

PRIVATE_DOMAINS = (".local", ".lan", ".home", ".home.arpa", ".internal", ".localdomain")
"""Endings that nobody can register in the world's DNS, so no site can give such a name our address."""

_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+(?:%[!-Z^-~]+)?)\]|([^\[\]:]+))(?::[0-9]{0,5})?", re.IGNORECASE)
_ORIGIN = re.compile(r"http://([^/]+)", re.IGNORECASE)


def is_ours(authority: str) -> bool:
    """Whether nobody else can own the name in `authority`, a Host header's value.

    So it is with addresses, names without a domain, names in PRIVATE_DOMAINS and this machine's own name.
    """
    match = _AUTHORITY.fullmatch(authority.strip())
    if match is None:
        return False
    host = (match[1] or match[2]).lower().removesuffix(".")
    return (
        match[1] is not None
        or "." not in host
        or host.endswith(PRIVATE_DOMAINS)
        or _is_address(host)
        or host == socket.gethostname().lower()
    )


def is_same_origin(origin: str, authority: str) -> bool:
    """Whether a page of the `origin` that a browser names was loaded from `authority`, hence from us."""
    match = _ORIGIN.fullmatch(origin.strip())
    return match is not None and _with_port(match[1]) == _with_port(authority)


def _with_port(authority: str) -> str:
    authority = authority.strip().lower()
    return authority if re.search(r":[0-9]+\Z", authority) else f"{authority.removesuffix(':')}:80"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
