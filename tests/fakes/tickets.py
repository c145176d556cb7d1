"""Tickets as real clients write them, and a short way to write others (wsd-scan.md 15, windows-client.md 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.wsscan.parameters import Value, above, with_containers
from bridge.wsscan.ticket import ScanTicket

WINDOWS_10 = """<sca:ScanTicket><sca:JobDescription>
<sca:JobName>Validating scan ticket for current WIA item properties</sca:JobName>
<sca:JobOriginatingUserName>WIA session run for ATTIC\\ada on ATTIC</sca:JobOriginatingUserName>
<sca:JobInformation>Scanning from platen..</sca:JobInformation></sca:JobDescription>
<sca:DocumentParameters>
<sca:Format sca:MustHonor="true">exif</sca:Format>
<sca:ImagesToTransfer sca:MustHonor="true">1</sca:ImagesToTransfer>
<sca:InputSource sca:MustHonor="true">Platen</sca:InputSource>
<sca:InputSize sca:MustHonor="true"><sca:InputMediaSize>
<sca:Width>8500</sca:Width><sca:Height>11700</sca:Height></sca:InputMediaSize></sca:InputSize>
<sca:Exposure sca:MustHonor="true"><sca:ExposureSettings>
<sca:Contrast>0</sca:Contrast><sca:Brightness>0</sca:Brightness></sca:ExposureSettings></sca:Exposure>
<sca:Scaling sca:MustHonor="true">
<sca:ScalingWidth>100</sca:ScalingWidth><sca:ScalingHeight>100</sca:ScalingHeight></sca:Scaling>
<sca:Rotation sca:MustHonor="true">0</sca:Rotation>
<sca:MediaSides><sca:MediaFront><sca:ScanRegion>
<sca:ScanRegionXOffset sca:MustHonor="true">0</sca:ScanRegionXOffset>
<sca:ScanRegionYOffset sca:MustHonor="true">0</sca:ScanRegionYOffset>
<sca:ScanRegionWidth>8500</sca:ScanRegionWidth><sca:ScanRegionHeight>11700</sca:ScanRegionHeight></sca:ScanRegion>
<sca:ColorProcessing sca:MustHonor="true">RGB24</sca:ColorProcessing>
<sca:Resolution sca:MustHonor="true"><sca:Width>300</sca:Width><sca:Height>300</sca:Height></sca:Resolution>
</sca:MediaFront></sca:MediaSides></sca:DocumentParameters></sca:ScanTicket>"""
"""What the inbox driver of Windows 10 validates before it scans from the glass."""

WINDOWS_AUTO = """<sca:ScanTicket><sca:JobDescription><sca:JobName>auto</sca:JobName>
<sca:JobOriginatingUserName>WIA session run for ATTIC\\ada on ATTIC</sca:JobOriginatingUserName>
<sca:JobInformation>Scanning in auto mode..</sca:JobInformation></sca:JobDescription>
<sca:DocumentParameters><sca:Format sca:MustHonor="true">dib</sca:Format></sca:DocumentParameters></sca:ScanTicket>"""
"""An automatically configured scan: the device chooses everything but the format."""

SANE_AIRSCAN = """<sca:ScanTicket><sca:JobDescription><sca:JobName>sane-airscan request</sca:JobName>
<sca:JobOriginatingUserName>sane-airscan</sca:JobOriginatingUserName>
<sca:JobInformation>sane-airscan</sca:JobInformation></sca:JobDescription>
<sca:DocumentParameters><sca:Format>jfif</sca:Format><sca:ImagesToTransfer>0</sca:ImagesToTransfer>
<sca:InputSize><sca:InputMediaSize><sca:Width>4000</sca:Width><sca:Height>3000</sca:Height></sca:InputMediaSize>
</sca:InputSize><sca:InputSource>{source}</sca:InputSource>
<sca:MediaSides>{sides}</sca:MediaSides></sca:DocumentParameters></sca:ScanTicket>"""

_SANE_AIRSCAN_SIDE = """<sca:{side}><sca:ColorProcessing>Grayscale8</sca:ColorProcessing>
<sca:Resolution><sca:Width>200</sca:Width><sca:Height>200</sca:Height></sca:Resolution>
<sca:ScanRegion><sca:ScanRegionXOffset>1000</sca:ScanRegionXOffset><sca:ScanRegionYOffset>500</sca:ScanRegionYOffset>
<sca:ScanRegionWidth>4000</sca:ScanRegionWidth><sca:ScanRegionHeight>3000</sca:ScanRegionHeight></sca:ScanRegion>
</sca:{side}>"""

WSD_PYTHON = """<sca:ScanTicket><sca:JobDescription><sca:JobName>Job</sca:JobName>
<sca:JobOriginatingUserName>user</sca:JobOriginatingUserName>
<sca:JobInformation></sca:JobInformation></sca:JobDescription>
<sca:DocumentParameters><sca:Format>jfif</sca:Format>
<sca:CompressionQualityFactor>85</sca:CompressionQualityFactor><sca:ImagesToTransfer>0</sca:ImagesToTransfer>
<sca:InputSource>Platen</sca:InputSource><sca:ContentType>Auto</sca:ContentType>
<sca:InputSize><sca:DocumentSizeAutoDetect>False</sca:DocumentSizeAutoDetect>
<sca:InputMediaSize><sca:Width>8500</sca:Width><sca:Height>11700</sca:Height></sca:InputMediaSize></sca:InputSize>
<sca:Exposure><sca:AutoExposure>False</sca:AutoExposure><sca:ExposureSettings><sca:Contrast>0</sca:Contrast>
<sca:Brightness>0</sca:Brightness><sca:Sharpness>0</sca:Sharpness></sca:ExposureSettings></sca:Exposure>
<sca:Scaling><sca:ScalingWidth>100</sca:ScalingWidth><sca:ScalingHeight>100</sca:ScalingHeight></sca:Scaling>
<sca:Rotation>0</sca:Rotation><sca:MediaSides>{front}{back}</sca:MediaSides>
</sca:DocumentParameters></sca:ScanTicket>"""

_WSD_PYTHON_SIDE = """<sca:{side}><sca:ScanRegion><sca:ScanRegionXOffset>0</sca:ScanRegionXOffset>
<sca:ScanRegionYOffset>0</sca:ScanRegionYOffset><sca:ScanRegionWidth>8500</sca:ScanRegionWidth>
<sca:ScanRegionHeight>11700</sca:ScanRegionHeight></sca:ScanRegion>
<sca:ColorProcessing>RGB24</sca:ColorProcessing>
<sca:Resolution><sca:Width>300</sca:Width><sca:Height>300</sca:Height></sca:Resolution></sca:{side}>"""

MINIMAL = """<sca:ScanTicket><sca:JobDescription><sca:JobName>letters</sca:JobName>
<sca:JobOriginatingUserName>ada</sca:JobOriginatingUserName></sca:JobDescription></sca:ScanTicket>"""
"""A ticket that leaves everything to the scanner."""


def sane_airscan(source: str = "Platen") -> str:
    """The ticket of sane-airscan: not in schema order, and the region's size told for the media's."""
    sides = ("MediaFront", "MediaBack") if source == "ADFDuplex" else ("MediaFront",)
    return SANE_AIRSCAN.format(source=source, sides="".join(_SANE_AIRSCAN_SIDE.format(side=side) for side in sides))


def wsd_python() -> str:
    """The ticket of WSD-python, with both alternatives of each choice and a back side for the glass."""
    front, back = (_WSD_PYTHON_SIDE.format(side=side) for side in ("MediaFront", "MediaBack"))
    return WSD_PYTHON.format(front=front, back=back)


def ticket_xml(parameters: str) -> str:
    """A ticket with `parameters` inside DocumentParameters."""
    return f"""<sca:ScanTicket><sca:JobDescription><sca:JobName>letters</sca:JobName>
<sca:JobOriginatingUserName>ada</sca:JobOriginatingUserName></sca:JobDescription>
<sca:DocumentParameters>{parameters}</sca:DocumentParameters></sca:ScanTicket>"""


def wishes(parameters: Mapping[str, Value], honored: Iterable[str] = ()) -> ScanTicket:
    """A ticket that asks for `parameters`, of which `honored` must be, containers with all that is below them."""
    marked = set(honored)
    below = {path for path in parameters if marked & {path, *above(path)}}
    return ScanTicket("letters", "ada", None, with_containers(parameters), frozenset(marked | below))
