"""What is said of settings and commands outside the code is true: pages, the package's settings file, completion."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import config
from bridge.cli import make_parser
from bridge.settings import Settings, declared
from tests.programs import load

ROOT = Path(__file__).parents[2]

REFERENCE = load(ROOT / "docs/reference.py")


@pytest.mark.parametrize("path", REFERENCE.files(), ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path: Path) -> None:
    """Every generated file is what docs/reference.py would write now; run it after a change of settings or commands."""
    assert path.read_text(encoding="utf-8") == REFERENCE.files()[path]


def test_the_settings_file_changes_nothing(tmp_path: Path) -> None:
    """The package's settings file, as it is installed, leaves every setting at its default."""
    installed = tmp_path / "scanbridge.toml"
    installed.write_text(REFERENCE.settings_file())

    settings = config.load([installed], required=True)

    assert settings == replace(Settings(), files=settings.files, required=True)


def test_every_line_of_the_settings_file_is_the_default(tmp_path: Path) -> None:
    """With every setting uncommented, the file is good, has all settings, and they have their defaults."""
    text = re.sub(r"^#(?=\S)", "", REFERENCE.settings_file(), flags=re.MULTILINE)
    uncommented = tmp_path / "scanbridge.toml"
    uncommented.write_text(text)

    settings = config.load([uncommented], required=True)

    assert settings == replace(Settings(), files=settings.files, required=True)
    assert [line.split(" = ")[0] for line in text.splitlines() if " = " in line and not line.startswith("#")] == [
        one.key for one in declared()
    ]


def test_the_page_has_every_setting() -> None:
    """scanbridge.toml(5) has each setting with its default, what it may be and what it means."""
    page = printed(REFERENCE.settings_page())

    for one in declared():
        assert f"{one.key} = {REFERENCE.toml_value(one.default)}" in page
        assert one.meaning[1:] in page
        assert f"Expected: {one.kind.expected}." in page


def test_the_page_has_every_command() -> None:
    """scanbridge(1) has each command and each of its options with the words of the command's own help."""
    page = printed(REFERENCE.command_page(make_parser()))

    for name, does, verb in REFERENCE._verbs(make_parser()):
        assert f"scanbridge {name}" in page
        assert does in page
        for action in REFERENCE._options(verb, shared=None):
            assert ", ".join(action.option_strings) in page
            assert action.help in page
    assert "@" not in page


def printed(page: str) -> str:
    """A manual page without its markup."""
    page = re.sub(r"^\.\w+ ?", "", page, flags=re.MULTILINE).replace('"', "")
    page = page.replace(r"\fB", "").replace(r"\fI", "").replace(r"\fR", "")
    page = page.replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\(ti", "~").replace(r"\&", "")
    return Plain(page)


class Plain(str):
    """A text that is searched without its quotation marks, which markup needs for itself."""

    def __contains__(self, text: object) -> bool:
        assert isinstance(text, str)
        return super().__contains__(text.replace('"', ""))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sca"], {"scan"}),
        (["st"], {"status"}),
        (["status", "--j"], {"--json"}),
        (["--config", "x", "scan", "--res"], {"--resolution"}),
        (["scan", "--color", "g"], {"gray"}),
        (["do"], {"doctor"}),
        (["doctor", "--b"], {"--bundle"}),
        (["scan", "--j"], {"--json"}),
    ],
)
def test_completion(words: list[str], expected: set[str]) -> None:
    """Bash completes commands, their options and the words that an option takes."""
    script = (
        '. "$1"; shift; COMP_WORDS=(scanbridge "$@"); COMP_CWORD=$#; _scanbridge; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    command = ["bash", "-c", script, "bash", str(ROOT / "debian/scanbridge.completion"), *words]

    completed = subprocess.run(command, capture_output=True, text=True, check=True)

    assert set(completed.stdout.split()) == expected
    assert completed.stderr == ""
