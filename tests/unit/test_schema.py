"""The schemas and rules have teeth: each good sample passes, each single mutation fails for the right reason.

`test_schema_sweeps.py` changes every place in the same few ways; here are the changes that need a thought each.
"""

import pytest
from lxml import etree

from tests.schema.samples import NAMES, sample
from tests.schema.tables import FAULT_ACTIONS, FAULTS, MESSAGES, WSA, WSCN
from tests.schema_check import (
    ACTION_TO_BODY,
    DATAGRAM_COMFORT,
    ENVELOPE_LIMIT,
    EVENT_ACTIONS,
    SchemaViolation,
    check_datagram,
    check_message,
    fits_mtu,
)

DATAGRAMS = ("hello", "hello-without-xaddrs", "bye", "probe", "resolve", "probe-matches", "resolve-matches")

Mutation = tuple[str, str, str, str]
"""A sample, what is replaced in it once, by what, and a pattern of the complaint."""

NEXT = "</wsa:MessageID>"
"""Behind it further header blocks are put."""

XML: list[Mutation] = [
    ("hello", '<?xml version="1.0" encoding="UTF-8"?>\n', "", "XML declaration"),
    ("hello", "UTF-8", "ISO-8859-1", "XML declaration"),
    ("hello", "<?xml", "\ufeff<?xml", "XML declaration"),
    ("hello", "</soap:Envelope>", "", "not well-formed"),
    ("hello", "</soap:Envelope>", "</soap:Envelope><more/>", "not well-formed"),
    ("hello", "<soap:Envelope", "<!DOCTYPE e [<!ENTITY x 'y'>]>\n<soap:Envelope", "DOCTYPE"),
    ("hello", "<soap:Header>", "<?php x?><soap:Header>", "processing instruction"),
    ("hello", "http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/", "the root is"),
    ("get-active-jobs-response", 'xmlns:wscn="http:', 'xmlns:wscn="https:', "starts with https"),
    ("get-active-jobs-response", "2006/08/wdp/scan\">", "2006/01/wdp/scan\">", "not 2006/08"),
    ("get-active-jobs-response", "2004/08/addressing", "2003/03/addressing", "bound to the foreign namespace"),
    ("hello", "<soap:Envelope", f'<soap:Envelope xmlns="{WSA}"', "prefix None instead of 'wsa'"),
    ("hello", "<soap:Envelope", f'<soap:Envelope xmlns:a="{WSA}"', "prefix 'a' instead of 'wsa'"),
    ("hello", "<wsd:Hello>", f'<wsd:Hello xmlns:sca="{WSCN}">', "prefix 'sca' instead of 'wscn'"),
    ("hello", "<soap:Envelope", '<soap:Envelope soap:encodingStyle="http://example.org/"', "encodingStyle"),
    ("hello", "<soap:Body>", "<soap:Header><x:y xmlns:x='urn:x'/></soap:Header><soap:Body>", "not expected"),
    ("get", "<soap:Body/>", f'<soap:Body><wscn:CancelJobResponse xmlns:wscn="{WSCN}"/></soap:Body>', "empty Body"),
    ("cancel-job-response", "<wscn:CancelJobResponse/>", "<wscn:CancelJobResponse/>" * 2, "not expected"),
    ("cancel-job-response", "<wscn:CancelJobResponse/>", "<wscn:Nonsense/>", "not expected"),
]

QNAMES: list[Mutation] = [
    ("hello", "wscn:ScanDeviceType<", "sca:ScanDeviceType<", "'sca:ScanDeviceType' uses the prefix 'sca'"),
    ("hello", "wscn:ScanDeviceType<", "ScanDeviceType<", "'ScanDeviceType' has no prefix"),
    ("get-response", "wscn:ScannerServiceType<", "scn:ScannerServiceType<", "prefix 'scn', which is not declared"),
    ("fault-invalid-args", "wscn:InvalidArgs", "sca:InvalidArgs", "prefix 'sca', which is not declared"),
    ("fault-must-understand", "wsa:Dance", "unknown:Dance", "prefix 'unknown', which is not declared"),
    ("fault-header-required", "wsa:MessageID<", "a:MessageID<", "prefix 'a', which is not declared"),
    ("get-scanner-elements-request", "wscn:ScannerD", "sca:ScannerD", "prefix 'sca', which is not declared"),
    ("get-scanner-elements-response", 'Name="wscn:ScannerD', 'Name="sca:ScannerD', "prefix 'sca', which is not"),
    ("get-scanner-elements-response", ' xmlns:vnd="http://example.org/vendor"', "", "prefix 'vnd', which is not"),
]

HEADERS: list[Mutation] = [
    ("hello", "discovery/Hello<", "discovery/Bye<", "goes with .*Bye, not with .*Hello"),
    ("hello", "discovery/Hello<", "discovery/Hallo<", "no action that we send"),
    ("cancel-job-response", "/CancelJobResponse<", "/CancelJob<", "goes with .*CancelJobRequest, not with"),
    ("event-job-status", "/JobStatusEvent<", "/JobEndStateEvent<", "goes with .*JobEndStateEvent, not with"),
    ("get-response", "transfer/GetResponse<", "transfer/Get<", "goes with an empty Body, not with .*Metadata"),
    ("unsubscribe-response", "UnsubscribeResponse<", "RenewResponse<", "RenewResponse, not with an empty Body"),
    ("fault-invalid-args", "addressing/fault<", "addressing/Fault<", "no action that we send"),
    ("hello", "<wsa:Action>", "<wsa:Action> ", "not accepted by the pattern|padded"),
    ("cancel-job-response", "<wsa:MessageID>urn:uuid:", "<wsa:MessageID>uuid:", "MessageID.*pattern"),
    ("cancel-job-response", "b5c4-0", "B5C4-0", "MessageID.*pattern"),
    ("cancel-job-response", "urn:uuid:7d1e5a34-c2b9-4f08-9a6d-51e0c8b7f234", " ", "RelatesTo.*pattern"),
    ("cancel-job-response", "role/anonymous<", "role/nobody<", "is not the anonymous URI"),
    ("hello", "urn:schemas-xmlsoap-org:ws:2005:04:discovery<", "http://192.0.2.9/<", "To of .*Hello is not urn:"),
    ("event-job-status", "<wsa:To>http:", "<wsa:To>urn:", "is not the http URL of the sink"),
    ("get-active-jobs-request", "<wsa:ReplyTo><wsa:Address>", "<wsa:ReplyTo><wsa:Address>urn:x:", "must be anonymous"),
    ("cancel-job-response", "<wsa:RelatesTo>", "<wsa:From><wsa:Address>urn:x:y</wsa:Address></wsa:From><wsa:RelatesTo>",
     "From is only for requests"),
    ("event-job-status", NEXT, NEXT + "<wsa:RelatesTo>urn:x:y</wsa:RelatesTo>", "answers nothing"),
    ("cancel-job-response", NEXT, NEXT + "<wsa:FaultTo/>", "not a header block that we send"),
    ("cancel-job-response", NEXT, NEXT + "<wscn:JobId>1</wscn:JobId>", "not a header block"),
    ("cancel-job-response", NEXT, NEXT + "<Plain/>", "has no namespace"),
    ("cancel-job-response", NEXT, NEXT + '<wsd:AppSequence xmlns:wsd="http://schemas.xmlsoap.org'
     '/ws/2005/04/discovery" InstanceId="1" MessageNumber="1"/>', "has wsd:AppSequence"),
    ("cancel-job-response", NEXT, NEXT + '<soap:NotUnderstood qname="wsa:X"/>', "belong to faults"),
    ("renew", "<wse:Identifier>urn:uuid:58d7c0a1-2e9b-4f63-8a14-c6b5e0f7d932</wse:Identifier>", "",
     "which names the subscription"),
    ("hello", 'MessageNumber="1"', 'MessageNumber="0"', "MessageNumber"),
    ("hello", 'InstanceId="1763800000"', 'InstanceId="4294967296"', "InstanceId"),
]  # fmt: skip

DISCOVERY: list[Mutation] = [
    ("hello", "wsdp:Device ", "", "lacks wsdp:Device"),
    ("probe-matches", " wscn:ScanDeviceType", "", "lacks wsdp:Device or wscn:ScanDeviceType"),
    ("probe-matches", "wscn:ScanDeviceType", "wscn:ScanDeviceType wscn:ScannerServiceType", "no discovery type"),
    ("bye", "urn:uuid:4c5a0f2e", "urn:uuid:4C5A0F2E", "lower-case digits"),
    ("resolve-matches", "urn:uuid:4c5a0f2e-9d61", "urn:uuid:4c5a0f2e9d61", "lower-case digits"),
    ("resolve-matches", "<wsd:XAddrs>http:", "<wsd:XAddrs>https:", "XAddrs"),
    ("hello", "<wsd:XAddrs>", "<wsd:XAddrs>https://192.0.2.7/x ", "XAddrs"),
    ("hello", "http://192.0.2.7:", "http://[fe80::1%25eth0]:", "XAddrs"),
    ("hello", "http://192.0.2.7:", "http://fe80::1:", "XAddrs"),
    ("hello", "http://192.0.2.7:8018/", "/", "XAddrs"),
    ("hello", "http://192.0.2.7:8018/", "http://192.0.2.7:8018/" + "x" * 2048, "XAddrs"),
    ("hello", ">3</wsd:MetadataVersion>", ">0</wsd:MetadataVersion>", "MetadataVersion"),
    ("hello-without-xaddrs", "http://example.org/office", "office", "Scopes"),
]

METADATA: list[Mutation] = [
    ("get-response", "devprof/ThisDevice\">", "devprof/ThisModel\">", "Duplicate key|unique"),
    ("get-response", "<wsx:MetadataSection Dialect=\"http://schemas.xmlsoap.org/ws/2006/02/devprof/ThisDevice\">",
     "<wsx:MetadataSection Dialect=\"http://schemas.xmlsoap.org/ws/2005/05/devprof/ThisDevice\">", "Dialect"),
    ("get-response", "<pnpx:DeviceCategory>Scanners</pnpx:DeviceCategory>", "",
     "not expected. Expected is .*pnpx.*DeviceCategory"),
    ("get-response", ">Scanners<", ">Printers<", "lacks Scanners"),
    ("get-response", "Imaging.Scanner<", "Imaging.Printer<", "DeviceCategory"),
    ("get-response", "wscn:ScannerServiceType<", "wscn:ScanDeviceType<", "lacks wscn:ScannerServiceType"),
    ("get-response", "wscn:ScannerServiceType<", "wscn:ScannerServiceType wsdp:Device<", "no type of a hosted service"),
    ("get-response", "<wsa:Address>http://192.0.2.7", "<wsa:Address>urn:uuid", "lives at an http URL"),
    ("get-response", "<wsdp:Types>wsdp:Device ", "<wsdp:Types>", "Types of Host"),
    ("get-response", "/Device</wsdp:ServiceId>", "/WSDScanner</wsdp:ServiceId>", "ServiceId"),
    ("get-response", "/scan/ScannerServiceType</pnpx", "/scan/ScanDeviceType</pnpx", "CompatibleId"),
    ("get-response", "VEN_FFFE", "VEN_03F0", "HardwareId"),
    ("get-response", "{4c5a0f2e", "{4C5A0F2E", "ContainerId"),
    ("get-response", "Example Flatbed 210 (attic)", "x" * 256, "FriendlyName.*length"),
    ("get-response", "Example Flatbed 210 (attic)", "", "FriendlyName.*length"),
    ("get-response", "Example Flatbed 210 (attic)", "\n  Example\n", "padded with white space"),
    ("get-response", "devprof/host", "devprof/hosted", "Type"),
    ("get-response", "http://192.0.2.7:8018/<", "ftp://192.0.2.7/<", "PresentationUrl"),
]  # fmt: skip

EVENTING: list[Mutation] = [
    ("subscribe", "DeliveryModes/Push", "DeliveryModes/Pull", "Mode"),
    ("subscribe", "devprof/Action\"", "devprof/Actions\"", "Dialect"),
    ("subscribe", ">http://schemas.microsoft.com/windows/2006/08/wdp/scan/ScanA", ">ScanA", "Filter"),
    ("subscribe", "<wsa:Address>http://192.0.2.20", "<wsa:Address>urn:192.0.2.20", "event sink lives at an http URL"),
    ("subscribe", "<wscn:ClientDisplayName>Scan to desk</wscn:ClientDisplayName>",
     "<wscn:ClientDisplayString>Scan to desk</wscn:ClientDisplayString>", "not expected"),
    ("subscribe", "Scan to desk", "x" * 128, "ClientDisplayName.*length"),
    ("subscribe-response", "<wse:Identifier>urn:uuid:", "<wse:Identifier>", "no wse:Identifier urn:uuid"),
    ("subscribe-response", "<wse:Identifier>", "<wse:Identifier>7</wse:Identifier><wse:Identifier>", "not a single"),
    ("subscribe-response", "<wsa:Address>http://192", "<wsa:Address>urn:192", "manager lives at an http URL"),
    ("subscribe-response", ">PT1H<", ">1 hour<", "Expires"),
    ("subscribe-response", ">PT1H<", ">-PT1H<", "Expires"),
    ("subscribe-response", ">PT1H<", ">PT0S<", "granted term is zero"),
    ("renew-response", ">PT1H<", ">P0D<", "granted term is zero"),
    ("subscribe-response", ">77b2e40d<", ">c1d0f7a9<", "DestinationToken|Duplicate"),
    ("subscribe-response", ">77b2e40d<", f">{'7' * 256}<", "DestinationToken.*length"),
    ("subscription-end", "SourceShuttingDown", "SourceShutDown", "Status"),
    ("event-scan-available", ">ADF<", ">Feeder<", "InputSource"),
    ("event-scan-available", ">5f03<", "><", "ScanIdentifier.*length"),
    ("event-job-end-state", ">Aborted<", ">Terminating<", "JobCompletedState"),
    ("event-scanner-status-condition", ">LampWarming<", ">LampWarning<", "Name"),
    ("event-scanner-status-condition", ">Platen<", ">Lamp<", "Component"),
    ("event-scanner-status-condition", ">Informational<", ">Fatal<", "Severity"),
    ("event-scanner-status-condition", ' Id="13"', ' Id="0"', "Id"),
    ("event-scanner-status-condition", ' Id="13"', ' wscn:Id="13"', "Id"),
    ("event-scanner-status-condition", "05:06:07Z", "05:06:07", "Time"),
    ("event-scanner-status-condition", "05:06:07Z", "05:06:07+01:00", "Time"),
]  # fmt: skip

SCANNER: list[Mutation] = [
    ("get-scanner-elements-response", ' Valid="true"', ' wscn:Valid="true"', "Valid"),
    ("get-scanner-elements-response", ' Name="wscn:ScannerD', ' wscn:Name="wscn:ScannerD', "Name"),
    ("get-scanner-elements-response", ' Valid="true"', ' Valid="1"', "Valid"),
    ("get-scanner-elements-response", ' Valid="true"', ' Valid="false"', "must be empty"),
    ("get-scanner-elements-response", '"vnd:Lamp" Valid="false"', '"vnd:Lamp" Valid="true"', "holds no section"),
    ("get-scanner-elements-response", '"wscn:ScannerDescription"', '"wscn:ScannerStatus"', "but the section is"),
    ("get-job-elements-response", '"wscn:Documents"', '"wscn:ScanTicket"', "but the section is"),
    ("get-scanner-elements-response", "Example Flatbed 210 (attic)", "x" * 128, "ScannerName.*length"),
    ("get-scanner-elements-response", ">jfif<", ">jpeg<", "FormatValue"),
    ("get-scanner-elements-response", ">jfif<", ">xps<", "FormatValue"),
    ("get-scanner-elements-response", ">jfif<", ">exif<", "Duplicate"),
    ("get-scanner-elements-response", ">jfif<", "> jfif <", "FormatValue"),
    ("get-scanner-elements-response", ">1</wscn:MinValue>", ">0</wscn:MinValue>", "MinValue"),
    ("get-scanner-elements-response", ">1</wscn:MinValue>\n                <wscn:MaxValue>100",
     ">60</wscn:MinValue>\n                <wscn:MaxValue>50", "MinValue is above MaxValue"),
    ("get-scanner-elements-response", ">100</wscn:MinValue>", ">101</wscn:MinValue>", "MinValue"),
    ("get-scanner-elements-response", ">false</wscn:Auto", ">0</wscn:Auto", "AutoExposureSupported"),
    ("get-scanner-elements-response", "<wscn:RotationValue>0<", "<wscn:RotationValue>180<", "lacks 0"),
    ("get-scanner-elements-response", "<wscn:RotationValue>90<", "<wscn:RotationValue>45<", "RotationValue"),
    ("get-scanner-elements-response", "<wscn:Width>150<", "<wscn:Width>200<", "Widths and Heights differ"),
    ("get-scanner-elements-response", ">Grayscale8<", ">GrayScale8<", "ColorEntry"),
    ("get-scanner-elements-response", ">Grayscale8<", ">RGB24<", "a color is listed twice"),
    ("get-scanner-elements-response", "<wscn:Width>1<", "<wscn:Width>0<", "Width"),
    ("get-scanner-elements-response", "<wscn:Width>1<", "<wscn:Width>8501<", "minimum size is above"),
    ("get-scanner-elements-response", ">true</wscn:ADFSupportsDuplex>", ">false</wscn:ADFSupportsDuplex>", "ADFBack"),
    ("get-scanner-elements-response", ">Stopped<", ">Idle<", "a Critical condition is active"),
    ("get-scanner-elements-response", ">Stopped<", ">Busy<", "ScannerState"),
    ("get-scanner-elements-response", ">AttentionRequired<", ">None<", "None stands beside"),
    ("get-scanner-elements-response", ">AttentionRequired<", ">MediaJam<", "a reason is given twice"),
    ("get-scanner-elements-response", 'Id="11"', 'Id="12"', "Id is used twice"),
    ("get-scanner-elements-response", "04:10:00Z", "03:10:00Z", "cleared before it began"),
    ("get-scanner-elements-response", "<wscn:Format>jfif", '<wscn:Format wscn:MustHonor="true">jfif', "MustHonor"),
]  # fmt: skip

JOBS: list[Mutation] = [
    ("validate-scan-ticket-request", "wscn:MustHonor", "wscn:UsedDefault", "UsedDefault"),
    ("validate-scan-ticket-request", "wscn:MustHonor", "MustHonor", "MustHonor"),
    ("validate-scan-ticket-request", 'MustHonor="true"', 'MustHonor="yes"', "MustHonor"),
    ("validate-scan-ticket-request", ">exif<", ">ex if<", "Format"),
    ("validate-scan-ticket-request", ">80<", ">101<", "CompressionQualityFactor"),
    ("validate-scan-ticket-request", ">-100<", ">-1001<", "Brightness"),
    ("validate-scan-ticket-request", "<wscn:Sharpness>0<", "<wscn:Sharpness>101<", "Sharpness"),
    ("validate-scan-ticket-request", "<wscn:ScalingWidth>100<", "<wscn:ScalingWidth>0<", "ScalingWidth"),
    ("validate-scan-ticket-request", "<wscn:ScalingWidth>100<", "<wscn:ScalingWidth>+100<", "ScalingWidth"),
    ("validate-scan-ticket-request", ">8500</wscn:ScanRegionWidth", ">0</wscn:ScanRegionWidth", "ScanRegionWidth"),
    ("validate-scan-ticket-request", ">Two letters<", f">{'x' * 256}<", "JobName.*length"),
    ("validate-scan-ticket-response", ">true</wscn:ValidTicket>", ">false</wscn:ValidTicket>", "ValidScanTicket goes"),
    ("validate-scan-ticket-response-corrected", ">false</wscn:V", ">true</wscn:V", "ValidScanTicket goes"),
    ("validate-scan-ticket-response", ">2550<", ">0<", "PixelsPerLine"),
    ("validate-scan-ticket-response", ">3300<", ">0<", "NumberOfLines"),
    ("validate-scan-ticket-response", ">0</wscn:BytesPerLine>", ">-1</wscn:BytesPerLine>", "BytesPerLine"),
    ("create-scan-job-response", ">17<", ">0<", "JobId"),
    ("create-scan-job-response", ">17<", ">2147483648<", "JobId"),
    ("create-scan-job-response", ">9b1e6f2c<", f">{'x' * 256}<", "JobToken.*length"),
    ("create-scan-job-response", " wscn:Override=", " Override=", "Override"),
    ("create-scan-job-response", " wscn:Override=", " wscn:MustHonor=", "MustHonor"),
    ("create-scan-job-response", "<wscn:Format>jfif", "<wscn:Format>jpeg2k", "Format"),
    ("create-scan-job-response", "<wscn:ContentType",
     "<wscn:FilmScanMode>NotApplicable</wscn:FilmScanMode><wscn:ContentType", "only for Film"),
    ("create-scan-job-response", "<wscn:Scaling>", "<wscn:Exposure><wscn:AutoExposure>true</wscn:AutoExposure>"
     "</wscn:Exposure><wscn:Scaling>", "not expected"),
    ("create-scan-job-response", "<wscn:InputMediaSize>",
     "<wscn:DocumentSizeAutoDetect>true</wscn:DocumentSizeAutoDetect><wscn:InputMediaSize>", "not expected"),
    ("create-scan-job-response", "<wscn:ExposureSettings>", "<wscn:AutoExposure>true</wscn:AutoExposure>"
     "<wscn:ExposureSettings>", "not expected"),
    ("create-scan-job-response", ">11000<", ">11701<", "leaves the InputMediaSize"),
    ("create-scan-job-response", ">0</wscn:BytesPerLine>", ">113</wscn:BytesPerLine>", "BytesPerLine should be 0"),
    ("create-scan-job-response-duplex", ">7652<", ">7650<", "BytesPerLine should be 7652"),
    ("create-scan-job-response-duplex", ">dib<", ">tiff-single-uncompressed<", "BytesPerLine should be 7650"),
    ("create-scan-job-response-duplex", ">ADFDuplex<", ">ADF<", "only for ADFDuplex|only with it"),
    ("create-scan-job-response", ">Platen<", ">ADFDuplex<", "MediaBackImageInfo goes with ADFDuplex"),
    ("retrieve-image-response", "cid:image", "image", "href"),
    ("retrieve-image-response", "www.w3.org/2004/08/xop", "www.w3.org/2003/12/xop", "bound to the foreign"),
    ("retrieve-image-response", "<wscn:ScanData>", "<wscn:ScanData>iVBORw0=", "[Cc]haracter content"),
    ("get-active-jobs-response", ">Processing<", ">Completed<", "JobState"),
    ("get-active-jobs-response", ">Processing<", ">Held<", "JobState"),
    ("get-active-jobs-response", ">JobScanningAndTransferring<", ">JobScanningAndTransfering<", "JobStateReason"),
    ("get-active-jobs-response", ">22<", ">21<", "Duplicate"),
    ("get-active-jobs-response", ">2</wscn:ScansCompleted>", ">-2</wscn:ScansCompleted>", "ScansCompleted"),
    ("get-job-history-response", ">Canceled<", ">Terminating<", "JobState"),
    ("get-job-history-response", ">Canceled<", ">Cancelled<", "JobState"),
    ("get-job-elements-response", ">Completed<", ">Processing<", "JobCompletedTime goes with a job that has ended"),
    ("event-job-status", ">Started<", ">Completed<", "JobCompletedTime goes with a job that has ended"),
    ("get-job-elements-response", "05:07:00Z", "05:06:00Z", "ended before it was created"),
]  # fmt: skip

FAULT_TABLE: list[Mutation] = [
    ("fault-invalid-args", "soap:Sender", "soap:Receiver", "goes with soap:Sender"),
    ("fault-not-accepting-jobs", "soap:Receiver", "soap:Sender", "goes with soap:Receiver"),
    ("fault-invalid-args", "wscn:InvalidArgs", "wscn:InvalidArguments", "no subcode that we send"),
    ("fault-not-accepting-jobs", "wscn:ServerErrorN", "wsa:ServerErrorN", "no subcode that we send"),
    ("fault-invalid-args", 'xml:lang="en"', 'xml:lang="de"', "reason is not in English"),
    ("fault-invalid-args", "the request names no elements", "", "Text.*length"),
    ("fault-invalid-args", "addressing/fault<", "eventing/fault<", "is not the fault action of"),
    ("fault-unable-to-renew", "eventing/fault<", "addressing/fault<", "is not the fault action of"),
    ("fault-filter-action-not-supported", "2006/02/devprof/fault<", "2004/08/eventing/fault<",
     "is not the fault action of"),
    ("fault-invalid-args", "<wsa:RelatesTo>urn:uuid:7d1e5a34-c2b9-4f08-9a6d-51e0c8b7f234</wsa:RelatesTo>", "",
     "a fault needs RelatesTo"),
    ("fault-invalid-args", "wscn:RequestedElements", "soap:RequestedElements", "does not belong into the Detail"),
    ("fault-not-accepting-jobs", "</soap:Fault>", "<soap:Detail><wsa:To/></soap:Detail></soap:Fault>",
     "does not belong"),
    ("fault-job-id-not-found", ">99999999999<", ">seven<", "JobId"),
    ("fault-job-id-not-found", "<wscn:JobId>99999999999</wscn:JobId>", "<wscn:JobToken/>", "does not belong"),
    ("fault-format-not-supported", ">png<", ">gif<", "FormatValue"),
    ("fault-format-not-supported", ">png<", ">jfif<", "Duplicate"),
    ("fault-matching-rule-not-supported", "/strcmp0", "/strcmp1", "SupportedMatchingRules"),
    ("fault-delivery-mode-unavailable", "DeliveryModes/Push", "DeliveryModes/Wrap", "SupportedDeliveryMode"),
    ("fault-must-understand", 'qname="wsa:Dance"', 'qname="wsa:D d"', "qname"),
    ("fault-must-understand", "soap:MustUnderstand", "soap:DataEncodingUnknown", "has the header .*NotUnderstood"),
    ("fault-version-mismatch", '<soap:Upgrade><soap:SupportedEnvelope qname="soap:Envelope"/></soap:Upgrade>', "",
     "lacks the header .*Upgrade"),
    ("fault-version-mismatch", "soap:VersionMismatch", "soap:Version", "pattern"),
    ("fault-no-envelope", NEXT, NEXT + "<wsa:RelatesTo>urn:x:y</wsa:RelatesTo>", "needs a Subcode"),
    ("fault-no-envelope", "</soap:Fault>", "<soap:Detail><wsa:To/></soap:Detail></soap:Fault>", "has no Detail"),
]  # fmt: skip

MUTATIONS = XML + QNAMES + HEADERS + DISCOVERY + METADATA + EVENTING + SCANNER + JOBS + FAULT_TABLE


@pytest.mark.parametrize("name", NAMES)
def test_sample_passes(name: str) -> None:
    """A good message of each kind passes, and comes back parsed."""
    assert check_message(sample(name)).tag == "{http://www.w3.org/2003/05/soap-envelope}Envelope"


@pytest.mark.parametrize("name", DATAGRAMS)
def test_datagram_sample_passes(name: str) -> None:
    """A good discovery message passes as a datagram."""
    assert check_datagram(sample(name)).tag == "{http://www.w3.org/2003/05/soap-envelope}Envelope"


def test_every_action_has_a_sample() -> None:
    """No row of the action table is without a sample, so no message kind has a schema that nobody tried."""
    actions = {etree.fromstring(sample(name)).findtext(f"*/{{{WSA}}}Action") for name in NAMES}
    assert actions == set(MESSAGES)


def test_tables() -> None:
    """The importable tables hold the seven events and, for each action, its body or None."""
    assert len(EVENT_ACTIONS) == 7
    assert EVENT_ACTIONS.items() <= ACTION_TO_BODY.items()
    empty = [action.rpartition("/")[2] for action, body in ACTION_TO_BODY.items() if body is None]
    assert empty == ["Get", "UnsubscribeResponse"]
    assert {etree.QName(subcode).namespace for subcode in FAULTS} == set(FAULT_ACTIONS)


@pytest.mark.parametrize(("name", "old", "new", "complaint"), MUTATIONS)
def test_mutation_fails(name: str, old: str, new: str, complaint: str) -> None:
    """One change of a good message fails, with a complaint that names it."""
    text = sample(name).decode("utf-8")
    assert old in text, "the sample no longer has what the mutation changes"
    with pytest.raises(SchemaViolation, match=complaint):
        check_message(text.replace(old, new, 1).encode("utf-8"))


def test_violation_shows_the_piece() -> None:
    """The message of a violation shows the offending piece, without the namespaces that everything has."""
    with pytest.raises(SchemaViolation) as caught:
        check_message(sample("event-job-status").replace(b">Started<", b">Dancing<"))
    assert str(caught.value).endswith("\nin: <wscn:JobState>Dancing</wscn:JobState>")


def test_long_piece_is_cut() -> None:
    """The message of a violation stays readable when the piece is long."""
    with pytest.raises(SchemaViolation) as caught:
        check_message(sample("get-response").replace(b"Example Flatbed 210 (attic)", b"x" * 9000))
    assert len(str(caught.value)) < 10000 + 1000
    assert "characters)" in str(caught.value)


def test_reference_parameters_are_left_alone() -> None:
    """What a client put into its reference parameters comes back verbatim, whatever namespaces it uses."""
    strange = b'<a:x xmlns:a="https://example.org/" xmlns:wsa="http://example.org/own" wsa:y="z:q"><a:z> 1 </a:z></a:x>'
    check_message(sample("event-job-status").replace(b"</soap:Header>", strange + b"</soap:Header>"))


def test_envelope_limit() -> None:
    """An envelope of exactly the limit passes, one octet more does not."""
    filler = b" " * (ENVELOPE_LIMIT - len(sample("get")))
    check_message(sample("get") + filler)
    with pytest.raises(SchemaViolation, match="32768 octets"):
        check_message(sample("get") + filler + b" ")


def test_fits_mtu() -> None:
    """A datagram may have 1400 octets; one more is told, but is by itself no violation."""
    filler = b" " * (DATAGRAM_COMFORT - len(sample("hello")))
    assert fits_mtu(sample("hello") + filler)
    assert not fits_mtu(sample("hello") + filler + b" ")
    check_datagram(sample("hello") + filler + b" ")


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(DATAGRAMS)))
def test_other_messages_are_no_datagrams(name: str) -> None:
    """What is not discovery, a fault, and an answer without a match are not sent by UDP."""
    with pytest.raises(SchemaViolation, match="not sent by UDP"):
        check_datagram(sample(name))


def test_multicast_query_goes_to_the_urn() -> None:
    """A Probe to a URL is fine by HTTP, and no datagram."""
    data = sample("probe").replace(b"urn:schemas-xmlsoap-org:ws:2005:04:discovery</", b"http://192.0.2.7:8018/x</")
    check_message(data)
    with pytest.raises(SchemaViolation, match="To of a multicast message"):
        check_datagram(data)
