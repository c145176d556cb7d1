"""Content-Type values, ours and other people's (RFC 9110 8.3, RFC 2045 5.1)."""

from __future__ import annotations

import re

SOAP = "application/soap+xml"
MULTIPART = "multipart/related"
XOP = "application/xop+xml"

MAX_VALUE = 1024
"""Longest Content-Type in characters that is looked at."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TYPE = re.compile(rf"\s*({_TOKEN.pattern}/{_TOKEN.pattern})\s*")
_PARAMETER = re.compile(rf'\s*;\s*({_TOKEN.pattern})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))\s*')
_EMPTY_PARAMETER = re.compile(r"\s*;\s*(?=;|$)")


def parse_content_type(value: str) -> tuple[str, dict[str, str]]:
    """The media type in lower case and the parameters, their names in lower case, their values without quotes.

    Raises ValueError for what is no Content-Type. A parameter that comes twice counts as it was first.
    """
    if len(value) > MAX_VALUE:
        raise ValueError(f"longer than {MAX_VALUE} characters")
    found = _TYPE.match(value)
    if found is None:
        raise ValueError("no media type")
    parameters: dict[str, str] = {}
    position = found.end()
    while position < len(value):
        parameter = _PARAMETER.match(value, position)
        if parameter is None:
            parameter = _EMPTY_PARAMETER.match(value, position)
            if parameter is None:
                raise ValueError(f"no parameter at character {position}")
        else:
            name, quoted, plain = parameter.groups()
            parameters.setdefault(name.lower(), plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        position = parameter.end()
    return found[1].lower(), parameters
