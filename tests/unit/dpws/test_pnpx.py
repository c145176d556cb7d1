"""The words that choose Windows' own driver."""

from __future__ import annotations

import re

import pytest

from bridge.dpws.pnpx import COMPATIBLE_ID, hardware_id


@pytest.mark.conformance(105)
def test_the_compatible_id_is_what_the_inbox_driver_matches() -> None:
    """The id is compared as text by the driver's INF."""
    assert COMPATIBLE_ID == "http://schemas.microsoft.com/windows/2006/08/wdp/scan/ScannerServiceType"


def test_the_hardware_id_has_the_form_windows_knows() -> None:
    """A vendor that nobody claims and four hex digits."""
    assert re.fullmatch(r"VEN_FFFE&DEV_[0-9A-F]{4}", hardware_id("Canon", "LiDE 210"))


def test_the_hardware_id_is_pinned() -> None:
    """Another id for the same model would be a new device to Windows."""
    assert hardware_id("Canon", "LiDE 210") == "VEN_FFFE&DEV_B1C5"


def test_the_hardware_id_depends_on_vendor_and_model_apart() -> None:
    """Where the vendor ends and the model begins matters."""
    assert len({hardware_id("a", "bc"), hardware_id("ab", "c"), hardware_id("abc", ""), hardware_id("", "abc")}) == 4
