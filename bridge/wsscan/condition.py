"""ScannerStatus on the wire: state, reasons, conditions (wsd-scan.md 6.3, eventing.md 8)."""

from __future__ import annotations

from bridge.scanner.status import Condition, ScannerStatus
from bridge.soap.envelope import WSCN_E, Element
from bridge.wsscan.summaries import utc


def scanner_status(status: ScannerStatus) -> Element:
    """ScannerStatus; ActiveConditions is there even when empty, ConditionHistory is not (checklist 133, 134)."""
    element: Element = WSCN_E("ScannerStatus", WSCN_E("ScannerCurrentTime", utc(status.now)), *status_summary(status))
    active = WSCN_E("ActiveConditions")
    for condition in status.conditions:
        active.append(device_condition(condition))
    element.append(active)
    if status.history:
        history = WSCN_E("ConditionHistory")
        for condition in status.history:
            history.append(_history_entry(condition))
        element.append(history)
    return element


def status_summary(status: ScannerStatus) -> tuple[Element, Element]:
    """ScannerState and ScannerStateReasons, also the content of StatusSummary in an event."""
    reasons: Element = WSCN_E("ScannerStateReasons")
    for reason in status.reasons:
        reasons.append(WSCN_E("ScannerStateReason", reason.value))
    return WSCN_E("ScannerState", status.state.value), reasons


def device_condition(condition: Condition) -> Element:
    """DeviceCondition, for ActiveConditions and ScannerStatusConditionEvent (checklist 136, 249)."""
    return _condition("DeviceCondition", condition)


def _history_entry(condition: Condition) -> Element:
    element = _condition("ConditionHistoryEntry", condition)
    element.append(WSCN_E("ClearTime", utc(condition.cleared or condition.time)))
    return element


def _condition(name: str, condition: Condition) -> Element:
    element: Element = WSCN_E(
        name,
        WSCN_E("Time", utc(condition.time)),
        WSCN_E("Name", condition.name.value),
        WSCN_E("Component", condition.component.value),
        WSCN_E("Severity", condition.severity.value),
        Id=str(condition.id),
    )
    return element
