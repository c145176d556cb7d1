"""What the page calls the standard's keywords, and what a person can do about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

STATES = {"Idle": "Ready", "Processing": "Scanning", "Stopped": "Stopped"}

REASONS = {
    "AttentionRequired": "It needs attention: the newest line under Problems says why.",
    "Calibrating": "It calibrates itself; this takes a moment.",
    "CoverOpen": "Its cover is open: close it, then scan again.",
    "InternalStorageFull": "Its memory is full: switch it off and on.",
    "LampError": "Its lamp has failed: switch it off and on.",
    "LampWarming": "Its lamp is warming up; this takes up to a minute.",
    "MediaJam": "Paper is jammed: take it out, then scan again.",
    "MultipleFeedError": "It drew in two sheets at once: take them out, then scan again.",
    "Paused": "It is paused.",
}
"""Why a scanner is in its state."""

CONDITIONS = {
    "InputTrayEmpty": "The feeder is empty: put paper in, or choose the glass.",
}
"""What is the matter without stopping the scanner."""

JOB_STATES = {
    "Creating": "accepted",
    "Pending": "waiting",
    "Started": "starting",
    "Processing": "scanning",
    "Terminating": "stopping",
    "Completed": "done",
    "Canceled": "cancelled",
    "Aborted": "failed",
}

JOB_REASONS = {
    "ImageTransferError": "the computer went away before its image was complete",
    "JobCanceledAtDevice": "cancelled here",
    "JobCompletedWithErrors": "nothing to scan was there",
    "JobCompletedWithWarnings": "with other settings than asked for",
    "JobScanning": "the scanner works",
    "JobScanningAndTransferring": "the scanner works, the computer receives",
    "JobTimedOut": "the computer did not come for the image",
    "JobTransferring": "the computer receives the rest",
    "ScannerStopped": "the scanner failed; see Problems",
}

SOURCES = {"Platen": "Glass", "ADF": "Feeder", "ADFDuplex": "Feeder, both sides"}

COLORS = {
    "BlackAndWhite1": "black and white",
    "Grayscale8": "gray",
    "Grayscale16": "gray, 16 bit",
    "RGB24": "colour",
    "RGB48": "colour, 48 bit",
}

FORMATS = {"exif": "JPEG", "jfif": "JPEG", "png": "PNG", "pdf-a": "PDF"}
"""What a test scan can be saved as."""

STAGES = {
    "search": "searches",
    "found": "is answered",
    "metadata": "reads the description",
    "session": "opens the scanner",
    "subscribed": "listens",
    "ticket": "checks settings",
    "job": "orders a scan",
    "image": "fetches an image",
}


def words(table: Mapping[str, str], keywords: Iterable[str]) -> list[str]:
    """What `table` says of each of `keywords`; None says nothing, an unknown one speaks for itself."""
    return [table.get(keyword, keyword) for keyword in keywords if keyword != "None"]
