"""AppSequence: how clients tell a new message from an old one (discovery-and-metadata.md 3.1)."""

from __future__ import annotations

from bridge.soap.envelope import WSD_E, Element

MAX_MESSAGE_NUMBER = 0xFFFFFFFF


class AppSequence:
    """The one counter of every discovery message we send, over UDP and HTTP, for all scanners (checklist 55).

    A client drops a message with a lower number than it has seen, so a number is taken when the message is sent, not
    when it is decided on.
    """

    def __init__(self, instance_id: int) -> None:
        self.instance_id = instance_id
        self.message_number = 0

    def restart(self, instance_id: int) -> None:
        """Count from 1 again under a greater InstanceId. Raises ValueError for one that is not greater."""
        if instance_id <= self.instance_id:
            raise ValueError(f"InstanceId {instance_id} is not greater than {self.instance_id}")
        self.instance_id = instance_id
        self.message_number = 0

    def next_header(self) -> Element:
        """The wsd:AppSequence header of the next message (checklist 47, 73)."""
        self.message_number += 1
        header: Element = WSD_E.AppSequence(
            InstanceId=str(self.instance_id), MessageNumber=str(min(self.message_number, MAX_MESSAGE_NUMBER))
        )
        return header
