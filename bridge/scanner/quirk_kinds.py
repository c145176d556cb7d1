"""What a value in a quirks file may be: each kind takes what TOML gives, or says what it expected."""

from __future__ import annotations

import re

from bridge.scanner.quirks import (
    EMPTY_WORDS,
    MAX_BUTTONS,
    MAX_OFFSET_MM,
    MAX_SETTINGS,
    PURPOSES,
    ButtonMeaning,
    Offset,
    OptionValue,
    SourceQuirk,
    is_good_name,
    is_good_setting,
)
from bridge.setting_kinds import MAX_LIST, MAX_TEXT

_USB_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")


class UsbIds:
    """USB ids as lsusb shows them."""

    expected = 'a list of USB ids such as ["04a9:190a"]'

    def read(self, value: object) -> tuple[str, ...]:
        """The ids in lower case."""
        ids = tuple(text.lower() for text in _texts(value))
        if not all(_USB_ID.fullmatch(text) for text in ids):
            raise ValueError
        return ids


class ModelPatterns:
    """Names of models, in which a star stands for anything."""

    expected = 'a list of models such as ["Canon LiDE 110", "FUJITSU ScanSnap*"]'

    def read(self, value: object) -> tuple[str, ...]:
        """The patterns, ready to be compared without regard to case; a lone star would mean every scanner there is."""
        patterns = tuple(" ".join(text.split()).casefold() for text in _texts(value))
        if not all(pattern.strip("*? ") and len(pattern) <= MAX_TEXT and pattern.isprintable() for pattern in patterns):
            raise ValueError
        return patterns


class Sources:
    """What chooses a source: options of the driver's and their values, or false."""

    expected = (
        'false, or the driver\'s options that choose it, at most '
        f'{MAX_SETTINGS}, such as {{ source = "ADF Front" }}; {{}} when there is nothing to set'
    )

    def read(self, value: object) -> SourceQuirk:
        """The options in their order."""
        if value is False:
            return SourceQuirk(there=False)
        if not isinstance(value, dict) or len(value) > MAX_SETTINGS:
            raise ValueError
        settings = []
        for name, setting in value.items():
            if not isinstance(setting, (bool, int, float, str)):
                raise ValueError
            settings.append(OptionValue(name, setting))
        if not all(map(is_good_setting, settings)):
            raise ValueError
        return SourceQuirk(tuple(settings))


class Offsets:
    """Two lengths in millimetres, to the right and down."""

    expected = f"two numbers of millimetres from {-MAX_OFFSET_MM:g} to {MAX_OFFSET_MM:g}, such as [0.5, -2]"

    def read(self, value: object) -> Offset:
        """The two lengths."""
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError
        for length in value:
            if isinstance(length, bool) or not isinstance(length, (int, float)) or not abs(length) <= MAX_OFFSET_MM:
                raise ValueError
        return Offset(float(value[0]), float(value[1]))


class EmptyWords:
    """Statuses that stand for an empty feeder."""

    expected = "a list of some of " + ", ".join(f'"{word}"' for word in EMPTY_WORDS)

    def read(self, value: object) -> tuple[str, ...]:
        """The words, each once."""
        words = tuple(dict.fromkeys(_texts(value)))
        if not set(words) <= set(EMPTY_WORDS):
            raise ValueError
        return words


class ButtonMap:
    """Buttons and what they are for."""

    expected = (
        f"at most {MAX_BUTTONS} buttons, each for one of "
        + ", ".join(f'"{word}"' for word in PURPOSES)
        + ', such as { button-1 = "scan", button-2 = "email" }'
    )

    def read(self, value: object) -> tuple[ButtonMeaning, ...]:
        """The buttons in their order."""
        if not isinstance(value, dict) or len(value) > MAX_BUTTONS:
            raise ValueError
        if not all(is_good_name(name) and purpose in PURPOSES for name, purpose in value.items()):
            raise ValueError
        return tuple(ButtonMeaning(name, purpose) for name, purpose in value.items())


class Sentence:
    """A text for people, of any number of lines."""

    expected = "a text in quotes, at most 1000 characters"

    def read(self, value: object) -> str:
        """The text on one line."""
        if not isinstance(value, str) or len(value) > 1000:
            raise ValueError
        text = " ".join(value.split())
        if not text.isprintable():
            raise ValueError
        return text


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_LIST:
        raise ValueError
    if not all(isinstance(text, str) for text in value):
        raise ValueError
    return value
