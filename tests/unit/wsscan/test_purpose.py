"""What a button asks for, what a destination offers, and how the two are brought together."""

from __future__ import annotations

import pytest

from bridge.scanner.model import InputSource
from bridge.scanner.quirks import PURPOSES as QUIRK_PURPOSES
from bridge.scanner.quirks import ButtonMeaning
from bridge.setting_kinds import PURPOSES, ButtonPurposes
from bridge.wsscan.destinations import Destination
from bridge.wsscan.press import NoDestination, UnknownDestination
from bridge.wsscan.purpose import Purpose, assigned_purposes, known_purposes, purpose_of, purpose_of_button
from tests.fakes.event_bench import SINK, action, delivery, expires, filter_of
from tests.unit.wsscan.test_destinations import destination, wrapped
from tests.unit.wsscan.test_push import Bench

PLATEN = InputSource.PLATEN


def windows(bench: Bench, name: str, number: int = 1, client: str = "192.0.2.9") -> None:
    """The five destinations of a Windows PC, in its order (windows-client.md 1.3)."""
    given = wrapped(
        destination(f"Scan to {name}", "Scan"),
        destination(f"Scan for Print to {name}", "ScanToPrint"),
        destination(f"Scan for E-mail to {name}", "ScanToEmail"),
        destination(f"Scan for Fax to {name}", "ScanToFax"),
        destination(f"Scan for OCR to {name}", "ScanToOCR"),
    )
    request = delivery(f"{SINK}/{number}") + filter_of(action("ScanAvailableEvent")) + expires("PT1H") + given
    bench.ask("Subscribe", request, peer=client)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("purpose", "buttons"),
    [
        (Purpose.SCAN, "scan file pdf pdf1 start extra web send button-1 button-3 sparkle button-scan"),
        (Purpose.EMAIL, "email e-mail button-email Email"),
        (Purpose.PRINT, "copy print reprint button-copy"),
        (Purpose.FAX, "fax button-fax"),
        (Purpose.OCR, "ocr button-ocr"),
        (None, "cancel stop power button-cancel up down mode more-options"),
    ],
)
def test_what_a_button_asks_for(purpose: Purpose | None, buttons: str) -> None:
    """Buttons are understood by SANE's names for them; a button without a meaning of its own starts a plain scan."""
    assert {name: purpose_of_button(name) for name in buttons.split()} == dict.fromkeys(buttons.split(), purpose)
    assert purpose_of_button("button 0") is Purpose.SCAN


def test_the_settings_know_better() -> None:
    """What push.buttons says of a button counts, for each scanner or for those of a model; its words are all known."""
    entries = ButtonPurposes().read(["button_2:Email", "scan : none", "lide/Copy: ocr", "other/button-3: fax"])
    assigned = assigned_purposes(entries, "Canon LiDE 210")
    assert {name: purpose_of_button(name, assigned) for name in ("button-2", "scan", "copy", "button-3", "email")} == {
        "button-2": Purpose.EMAIL,
        "scan": None,
        "copy": Purpose.OCR,
        "button-3": Purpose.SCAN,
        "email": Purpose.EMAIL,
    }
    every = assigned_purposes([f"{word}-key: {word}" for word in PURPOSES], "x")
    assert list(every.values()) == [Purpose.SCAN, Purpose.PRINT, Purpose.EMAIL, Purpose.FAX, Purpose.OCR, None]


@pytest.mark.parametrize(
    ("context", "name", "purpose"),
    [
        ("Scan", "Scan to X", Purpose.SCAN),
        ("ScanToPrint", "Scan for Print to X", Purpose.PRINT),
        ("ScanToEmail", "Scan for E-mail to X", Purpose.EMAIL),
        ("ScanToFax", "Scan for Fax to X", Purpose.FAX),
        ("ScanToOCR", "Scan for OCR to X", Purpose.OCR),
        (" scantoemail ", "X", Purpose.EMAIL),
        ("Scan", "Scan to FAXSERVER", Purpose.SCAN),
        ("17", "Attic: e-mail", Purpose.EMAIL),
        ("17", "Attic", Purpose.SCAN),
    ],
)
def test_what_a_destination_is_for(context: str, name: str, purpose: Purpose) -> None:
    """Windows' contexts decide, whatever a PC is called; other clients are understood by their words."""
    assert purpose_of(Destination(name, context, "token", "subscription", "192.0.2.9", "http://sink")) is purpose


@pytest.mark.parametrize("purpose", Purpose)
def test_a_button_chooses_among_a_pcs_destinations(bench: Bench, purpose: Purpose) -> None:
    """With one Windows PC, each button reaches the destination for it, and a press without a purpose the plain scan."""
    windows(bench, "A")
    assert bench.presses.press(None, PLATEN, purpose).context == purpose.value


def test_the_first_press_is_a_plain_scan(bench: Bench) -> None:
    """Windows registers OCR last; somebody who presses without a choice does not mean that."""
    windows(bench, "A")
    windows(bench, "B", 2, "192.0.2.8")
    assert bench.presses.press(None, PLATEN).name == "Scan to B"


@pytest.mark.conformance(276)
def test_a_button_goes_to_the_pc_that_was_told_last(bench: Bench) -> None:
    """The last choice says which PC, the button what for; the PCs that were not meant hear nothing."""
    windows(bench, "A")
    windows(bench, "B", 2, "192.0.2.8")

    def told(name: str | None, purpose: Purpose | None = None) -> tuple[str, str]:
        chosen = bench.presses.press(name, PLATEN, purpose)
        post = bench.told()
        return chosen.name, post.url

    assert told("Scan for OCR to A") == ("Scan for OCR to A", f"{SINK}/1")
    assert told(None, Purpose.EMAIL) == ("Scan for E-mail to A", f"{SINK}/1")
    assert told(None, Purpose.SCAN) == ("Scan to A", f"{SINK}/1")
    assert told("Scan to B") == ("Scan to B", f"{SINK}/2")
    assert told(None, Purpose.PRINT) == ("Scan for Print to B", f"{SINK}/2")


def test_a_pc_without_the_purpose_is_told_all_the_same(bench: Bench) -> None:
    """A PC that offers no e-mail gets a plain press: another PC is never told instead."""
    bench.register("Attic")
    windows(bench, "B", 2, "192.0.2.8")
    bench.presses.press("Attic", PLATEN)
    assert bench.presses.press(None, PLATEN, Purpose.EMAIL).name == "Attic"


def test_a_pin_says_which_pc(bench: Bench) -> None:
    """The setting names a destination for plain presses; other buttons stay with its PC."""
    windows(bench, "A")
    windows(bench, "B", 2, "192.0.2.8")
    bench.presses.pinned = "Scan for Print to A"
    assert bench.presses.press(None, PLATEN, Purpose.SCAN).name == "Scan for Print to A"
    assert bench.presses.press(None, PLATEN, Purpose.FAX).name == "Scan for Fax to A"
    bench.presses.pinned = "Attic"
    with pytest.raises(UnknownDestination):
        bench.presses.press(None, PLATEN, Purpose.FAX)


def test_a_button_with_nobody_to_tell(bench: Bench) -> None:
    """Without any destination a button finds none."""
    with pytest.raises(NoDestination):
        bench.presses.press(None, PLATEN, Purpose.SCAN)


def test_what_a_quirk_says_of_buttons() -> None:
    """Every purpose that a quirk may name is one; a button is found however its name is spelt."""
    said = [ButtonMeaning(f"key_{word}", word) for word in QUIRK_PURPOSES]
    known = known_purposes(said)
    meant = {word: purpose_of_button(f"Key-{word}", known) for word in QUIRK_PURPOSES}
    assert meant == {**{purpose.name.lower(): purpose for purpose in Purpose}, "none": None}
    assert purpose_of_button("scan", known_purposes([ButtonMeaning("scan", "none")])) is None
    assert purpose_of_button("scan", known) is Purpose.SCAN
