"""The words of ScannerStatus are the schema's: one that is not listed there, and a client refuses the whole status."""

from __future__ import annotations

import itertools

import pytest

from bridge.scanner.status import Component, ConditionName, Severity, StateReason
from tests.fakes.scan_service import ScanServiceBench, names, texts

STATUS = (
    "<sca:GetScannerElementsRequest><sca:RequestedElements><sca:Name>sca:ScannerStatus</sca:Name>"
    "</sca:RequestedElements></sca:GetScannerElementsRequest>"
)


@pytest.mark.conformance(249)
@pytest.mark.parametrize("name", ConditionName)
def test_every_condition_there_is_can_be_told(name: ConditionName) -> None:
    """Each name with each component and severity, active and in the history, is a status that the schema allows."""
    bench = ScanServiceBench()
    # An empty feeder never stops a scanner: no reason for a stop has its name.
    empty = name is ConditionName.INPUT_TRAY_EMPTY
    severities = [severity for severity in Severity if not (empty and severity is Severity.CRITICAL)]
    for component, severity in itertools.product(Component, severities):
        bench.scanner.status.add(name, component, severity)
        status = bench.ask("GetScannerElements", STATUS)[0][0][0]
        path = "ActiveConditions/DeviceCondition"
        assert texts(status, f"{path}/Name") == [name.value]
        assert texts(status, f"{path}/Component") == [component.value]
        assert texts(status, f"{path}/Severity") == [severity.value]
        bench.scanner.status.clear()
        status = bench.ask("GetScannerElements", STATUS)[0][0][0]
        assert "ConditionHistory" in names(status)


@pytest.mark.conformance(249)
@pytest.mark.parametrize("reason", StateReason)
def test_every_reason_there_is_can_be_told(reason: StateReason) -> None:
    """Each reason of the scanner's state is one that the schema allows."""
    bench = ScanServiceBench()
    bench.scanner.status.busy(True)
    bench.scanner.status.working(reason)
    status = bench.ask("GetScannerElements", STATUS)[0][0][0]
    assert texts(status, "ScannerStateReasons/ScannerStateReason") == [reason.value]
