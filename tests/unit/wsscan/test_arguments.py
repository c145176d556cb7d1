"""Arguments read from request bodies."""

from __future__ import annotations

import pytest

from bridge.errors import InvalidArgument, JobNotFound
from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element
from bridge.soap.parser import parse_xml
from bridge.wsscan import arguments
from tests.fakes.scan_service import request


def body(content: str, namespace: str = ns.WSCN) -> Element:
    """An element of the scan service that holds `content`."""
    return parse_xml(f'<sca:Body xmlns:sca="{namespace}" xmlns:other="urn:other">{content}</sca:Body>'.encode())


def leaf(content: str) -> Element:
    """A leaf that holds `content`."""
    return body(f"<sca:Leaf>{content}</sca:Leaf>")[0]


@pytest.mark.conformance(24)
def test_foreign_children_are_passed_over() -> None:
    """An element of another namespace is not mistaken for one of ours, whatever its name."""
    element = body("<other:JobId>9</other:JobId><sca:JobId>3</sca:JobId>")
    assert arguments.read_job_id(element) == 3


@pytest.mark.parametrize("namespace", [ns.WSCN, ns.WSCN_2006_01])
def test_the_old_namespace_is_an_alias(namespace: str) -> None:
    """Elements of the 2006/01 namespace are read like those of 2006/08."""
    assert arguments.read_job_id(body("<sca:JobId>3</sca:JobId>", namespace)) == 3


@pytest.mark.conformance(296)
def test_a_missing_argument_is_named() -> None:
    """What is mandatory and missing is named in the error."""
    with pytest.raises(InvalidArgument) as caught:
        arguments.required(body(""), "JobToken")
    assert caught.value.argument == "JobToken"


def test_a_doubled_argument_is_refused() -> None:
    """An argument that is there twice has no meaning."""
    with pytest.raises(InvalidArgument, match="more than once"):
        arguments.child(body("<sca:JobId>3</sca:JobId><sca:JobId>4</sca:JobId>"), "JobId")


@pytest.mark.parametrize("content", ["", "x", "3.0", "0x10", "1_000", "--3", "٣", "<sca:Inner/>", "9" * 65])
@pytest.mark.conformance(294)
def test_what_is_no_number_is_an_invalid_argument(content: str) -> None:
    """A JobId that is no whole number is an invalid argument, not a job that does not exist."""
    with pytest.raises(InvalidArgument) as caught:
        arguments.read_job_id(body(f"<sca:JobId>{content}</sca:JobId>"))
    assert caught.value.argument == "JobId"


@pytest.mark.parametrize("content", ["0", "-1", "2147483648", "99999999999999999999"])
@pytest.mark.conformance(295)
def test_a_number_that_no_job_can_have_is_an_unknown_job(content: str) -> None:
    """A JobId out of the range of ids is a job that does not exist, and is told back."""
    with pytest.raises(JobNotFound) as caught:
        arguments.read_job_id(body(f"<sca:JobId>{content}</sca:JobId>"))
    assert caught.value.job_id == content


@pytest.mark.parametrize("content", ["7", "+7", "007", "\n 7\t"])
@pytest.mark.conformance(140)
def test_numbers_are_trimmed(content: str) -> None:
    """White space, a plus and leading zeros do not matter in a number."""
    assert arguments.integer(leaf(content)) == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), (" 1 ", True), ("True", True), ("false", False), ("0", False), ("\nFalse ", False)],
)
@pytest.mark.conformance(140)
def test_booleans(text: str, expected: bool) -> None:
    """true, false, 1 and 0 are trimmed and read in any case."""
    assert arguments.boolean(text, "AutoExposure") is expected


@pytest.mark.parametrize("text", ["", "yes", "2", "tru e"])
def test_what_is_no_boolean_is_refused(text: str) -> None:
    """Anything but the four words is an invalid argument."""
    with pytest.raises(InvalidArgument):
        arguments.boolean(text, "AutoExposure")


@pytest.mark.conformance(213)
def test_names_are_kept_to_the_character() -> None:
    """White space belongs to a name."""
    assert arguments.exact(leaf("  two  words\n")) == "  two  words\n"
    assert arguments.exact(leaf("")) == ""


def test_strings_are_bounded() -> None:
    """A string of 255 characters is taken, a longer one is refused and named."""
    assert arguments.exact(leaf("é" * 255)) == "é" * 255
    with pytest.raises(InvalidArgument) as caught:
        arguments.exact(leaf("é" * 256))
    assert caught.value.argument == "Leaf"


def test_keywords_are_trimmed_and_bounded() -> None:
    """A keyword loses the white space around it, must not be empty and has at most 255 characters."""
    assert arguments.keyword(leaf("\n RGB24 ")) == "RGB24"
    assert arguments.keyword(leaf("x" * 255)) == "x" * 255
    for bad in ("", "   ", "x" * 256):
        with pytest.raises(InvalidArgument):
            arguments.keyword(leaf(bad))


@pytest.mark.parametrize("content", ["", "<sca:CancelJobRequest/>", '<o:GetJobHistoryRequest xmlns:o="urn:o"/>'])
@pytest.mark.conformance(296)
def test_the_body_must_fit_the_operation(content: str) -> None:
    """A body that is empty, another operation's or foreign is an invalid argument that names the right one."""
    with pytest.raises(InvalidArgument) as caught:
        arguments.body_of(request("GetJobHistory", content), "GetJobHistoryRequest")
    assert caught.value.argument == "GetJobHistoryRequest"
