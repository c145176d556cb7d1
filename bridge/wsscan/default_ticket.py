"""DefaultScanTicket: what a scanner proposes, usable as it stands (wsd-scan.md 6.4)."""

from __future__ import annotations

from bridge.scanner.model import InputSource
from bridge.wsscan.negotiate import negotiate
from bridge.wsscan.offer import Offer
from bridge.wsscan.parameters import BACK, with_containers
from bridge.wsscan.ticket import ScanTicket


def default_ticket(offer: Offer) -> ScanTicket:
    """What a ticket that says nothing gets, every option said (checklist 131, 132)."""
    nothing = ScanTicket(name=offer.defaults.job_name, user="")
    agreement = negotiate(nothing, offer, lambda: InputSource.PLATEN)
    leaves = {path: final.value for path, final in agreement.final.items() if not path.startswith(BACK)}
    return ScanTicket(name=nothing.name, user=nothing.user, parameters=with_containers(leaves))
