"""The counter of all discovery messages."""

from __future__ import annotations

import pytest

from bridge.discovery.sequence import AppSequence


@pytest.mark.conformance(47, 55)
def test_message_numbers_rise_from_one() -> None:
    """Every message has its own, larger number under the same InstanceId."""
    sequence = AppSequence(1000)
    headers = [sequence.next_header() for _ in range(3)]
    assert [(header.get("InstanceId"), header.get("MessageNumber")) for header in headers] == [
        ("1000", "1"),
        ("1000", "2"),
        ("1000", "3"),
    ]


def test_a_greater_instance_counts_from_one() -> None:
    """Numbers belong to their InstanceId."""
    sequence = AppSequence(1000)
    sequence.next_header()
    sequence.restart(1001)
    header = sequence.next_header()
    assert (header.get("InstanceId"), header.get("MessageNumber")) == ("1001", "1")


@pytest.mark.parametrize("instance_id", [1000, 999])
def test_an_instance_that_is_not_greater_is_refused(instance_id: int) -> None:
    """Counting from one again under the same InstanceId would make every message an old one."""
    with pytest.raises(ValueError, match="not greater"):
        AppSequence(1000).restart(instance_id)
