"""Which of a device's own settings stand for Platen, ADF and ADFDuplex.

Backends name their paper sources freely, and some put both-sided scanning into an option of its own. This module
knows the words of SANE's standard and of the backends that Debian carries; what it does not know it leaves alone,
so a transparency unit never becomes a glass.
"""

from __future__ import annotations

import re

from bridge.scanner.descriptors import Options, Value
from bridge.scanner.model import InputSource
from bridge.scanner.quirks import NO_QUIRKS, Quirks

Setting = tuple[str, Value]
"""An option's name and the value to set."""

SOURCE_OPTIONS = ("source", "doc-source")
"""Names of the option that chooses where the paper lies."""

DUPLEX_OPTIONS = ("adf-mode", "duplex")
"""Names of an option that chooses one or both sides, beside a source."""

FEEDER_OPTIONS = ("adf-mode", "duplex", "feeder-mode", "batch-scan", "page-loaded")
"""Options that only a scanner with a feeder has; they tell what a scanner without a source option is."""

_IGNORED = re.compile(r"transparen|\btma\b|\btpu|\btpo\b|xpa|slide|negativ|positiv|film|\bcard\b|\bback\b|\bauto$")
_DUPLEX = re.compile(r"duplex|both sides|double.?sided|two.?sided")
_FEEDER = re.compile(r"\badf\b|feeder|sheet.?fed|\bfeed\b")
_PLATEN = re.compile(r"flat.?bed|\bfb\b|normal|platen|document (table|glass)|\bglass\b|reflective")


def classify(name: str) -> InputSource | None:
    """What the value `name` of a source option means; None for film, cards, back sides and the unknown."""
    words = re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()
    if _IGNORED.search(words):
        return None
    if _DUPLEX.search(words):
        return InputSource.ADF_DUPLEX
    if _FEEDER.search(words):
        return InputSource.ADF
    if _PLATEN.search(words):
        return InputSource.PLATEN
    return None


def source_settings(
    options: Options, kind: str = "", quirks: Quirks = NO_QUIRKS
) -> dict[InputSource, tuple[Setting, ...]]:
    """The sources of a device, each with the settings that choose it, in the order to set them.

    `kind` is what SANE lists the device as ("sheetfed scanner"), which decides where no option tells. What `quirks`
    say of a source counts more than all options.
    """
    found: dict[InputSource, tuple[Setting, ...]] = {}
    source = options.usable(*SOURCE_OPTIONS)
    if source is not None:
        for choice in source.choices or ():
            meaning = classify(str(choice))
            if meaning is not None:
                found.setdefault(meaning, ((source.name, choice),))
    if not found:
        # A choice of unknown words still scans; it is left as it stands.
        found[InputSource.ADF if _feeds_only(options, kind) else InputSource.PLATEN] = ()
    _add_duplex_option(found, options)
    told = {
        InputSource.PLATEN: quirks.platen,
        InputSource.ADF: quirks.adf,
        InputSource.ADF_DUPLEX: quirks.adf_duplex,
    }
    for each, quirk in told.items():
        if quirk is not None and quirk.there:
            found[each] = tuple((setting.name, setting.value) for setting in quirk.settings)
        elif quirk is not None:
            found.pop(each, None)
    return {each: found[each] for each in InputSource if each in found}


def _feeds_only(options: Options, kind: str) -> bool:
    if "flatbed" in kind.lower():
        return False
    return "sheet" in kind.lower() or any(options.get(name) is not None for name in FEEDER_OPTIONS)


def _add_duplex_option(found: dict[InputSource, tuple[Setting, ...]], options: Options) -> None:
    """Where both sides are an option of their own, choose it explicitly for one side and for two.

    It is often inactive until the feeder is chosen, so being there is enough.
    """
    if InputSource.ADF not in found:
        if InputSource.ADF_DUPLEX in found:
            found[InputSource.ADF] = found[InputSource.ADF_DUPLEX]
        return
    for name in DUPLEX_OPTIONS:
        option = options.get(name)
        if option is None or not option.settable:
            continue
        values: list[Value | None] = [None, None]
        if option.type == "bool":
            values = [False, True]
        else:
            for choice in option.choices or ():
                both = bool(_DUPLEX.search(str(choice).lower()))
                if values[both] is None:
                    values[both] = choice
        single, double = values
        if single is not None and double is not None and InputSource.ADF_DUPLEX not in found:
            base = found[InputSource.ADF]
            found[InputSource.ADF] = (*base, (name, single))
            found[InputSource.ADF_DUPLEX] = (*base, (name, double))
            return
