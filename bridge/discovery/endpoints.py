"""The device's own URL, what of it answers at its service's URL, and the stable discovery URL, as SOAP endpoints."""

from __future__ import annotations

from bridge.discovery.target import Target
from bridge.dpws.metadata import Metadata
from bridge.soap.envelope import Envelope
from bridge.soap.exchange import AnyReply, Exchange, Operation
from bridge.soap.faults import RECEIVER, SoapFault
from bridge.soap.namespaces import TRANSFER_GET, WSA, tag


class DeviceEndpoint:
    """What answers at `/<uuid>`: Get, and Probe and Resolve for this device alone (discovery-and-metadata.md 4.7, 5).

    `metadata` may be replaced while running, when the scanner's has changed.
    """

    def __init__(self, metadata: Metadata, target: Target) -> None:
        self.metadata = metadata
        self._target = target

    def operation(self, action: str) -> Operation | None:
        """What answers `action` here; None for every action of the scan service (discovery-and-metadata.md 9)."""
        return self.metadata.operation(action) or self._target.operation(action, self.metadata.enrolled.uuid)

    def fault(self, error: Exception) -> Exception:
        """`error` as a fault of the addressing layer: a device has none of its own."""
        return _device_fault(error)


class ServiceUrlEndpoint:
    """What of the device answers at the URL of its scan service: Probe and Resolve, and a Get that is addressed to the
    device and has only come to the wrong door (discovery-and-metadata.md 5 and 9)."""

    def __init__(self, device: DeviceEndpoint) -> None:
        self._device = device

    def operation(self, action: str) -> Operation | None:
        """What answers `action` here."""
        found = self._device.operation(action)
        return self._get if found is not None and action == TRANSFER_GET else found

    def fault(self, error: Exception) -> Exception:
        """`error` as a fault of the addressing layer."""
        return _device_fault(error)

    async def _get(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        if (envelope.to or "").lower() != self._device.metadata.address:
            raise SoapFault.action_not_supported(TRANSFER_GET)
        return await self._device.metadata.get(envelope, exchange)


class StableDiscoveryEndpoint:
    """What answers at the well-known path: Probe and Resolve for all devices (checklist 89)."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def operation(self, action: str) -> Operation | None:
        """What answers `action` here."""
        return self._target.operation(action)

    def fault(self, error: Exception) -> Exception:
        """`error` as a fault of the addressing layer."""
        return _device_fault(error)


def _device_fault(error: Exception) -> SoapFault:
    if isinstance(error, SoapFault):
        return error
    reason = "an unexpected error; the log of the bridge says more"
    return SoapFault(RECEIVER, tag(WSA, "EndpointUnavailable"), reason)
