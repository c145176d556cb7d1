"""The command line: words, exit statuses, and what is imported for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge import __version__, cli
from bridge.client.errors import ServiceFault
from bridge.errors import ConfigError, NothingFound, StateError, UsageError
from bridge.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each verb was called with, instead of doing it."""
    calls: list[Any] = []

    def note(name: str) -> None:
        def run(arguments: Any, settings: Settings) -> int:
            calls.append((name, arguments, settings))
            return 0

        monkeypatch.setattr(cli, f"_{name}", run)

    for name in ("serve", "scan", "discover", "status", "button"):
        note(name)
    return calls


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file that can be told from the defaults."""
    path = tmp_path / "scanbridge.toml"
    path.write_text("[network]\nhttp_port = 4711\n")
    return path


@pytest.mark.parametrize("verb", ["serve", "scan", "discover", "status"])
def test_config_before_or_after_the_verb(ran: list[Any], file: Path, verb: str) -> None:
    """--config is understood in both places and is the only file then."""
    assert cli.main(["--config", str(file), verb]) == 0
    assert cli.main([verb, "--config", str(file)]) == 0

    for name, _, settings in ran:
        assert name == verb
        assert settings.network.http_port == 4711
        assert settings.files == (file,)
        assert settings.required


def test_a_config_with_a_relative_name(ran: list[Any], file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative name is made absolute, so that it can be read again from wherever the daemon works."""
    monkeypatch.chdir(file.parent)

    cli.main(["--config", file.name, "serve"])

    assert ran[0][2].files == (file,)


def test_a_missing_config(ran: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A named file that is not there is a wrong use, told in one line."""
    assert cli.main(["--config", str(tmp_path / "none.toml"), "status"]) == 2

    assert capsys.readouterr().err == f"scanbridge: {tmp_path / 'none.toml'}: there is no such file\n"
    assert ran == []


def test_wrong_settings(ran: list[Any], file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every mistake in the settings is told before anything is done."""
    file.write_text("[network]\nhttp_port = -1\nipv7 = true\n")

    assert cli.main(["serve", "--config", str(file)]) == 2

    assert len(capsys.readouterr().err.splitlines()) == 2
    assert ran == []


def test_what_scan_takes(ran: list[Any], file: Path) -> None:
    """Every option of the contract reaches the verb."""
    words = "-o p.jpg --url U --device D --format F --resolution 300 --color C --source S --pages 2"

    cli.main(["scan", *words.split(), "--config", str(file)])

    arguments = ran[0][1]
    assert vars(arguments) | {"run": None, "config": None} == {
        "output": "p.jpg",
        "url": "U",
        "device": "D",
        "format": "F",
        "resolution": 300,
        "color": "C",
        "source": "S",
        "pages": 2,
        "json": False,
        "run": None,
        "config": None,
    }


@pytest.mark.parametrize("verb", ["scan", "discover", "status", "button"])
def test_json(ran: list[Any], file: Path, verb: str) -> None:
    """Everything that is told can be had for programs."""
    cli.main([verb, "--json", "--config", str(file)])
    cli.main([verb, "--config", str(file)])

    assert [arguments.json for _, arguments, _ in ran] == [True, False]


@pytest.mark.parametrize(
    "words", [[], ["fly"], ["serve", "fly"], ["scan", "--resolution", "high"], ["--config"], ["status", "--fast"]]
)
def test_words_that_are_not_known(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong words end with status 2 and the usage."""
    with pytest.raises(SystemExit) as caught:
        cli.main(words)

    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: scanbridge")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version says name and version."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out == f"scanbridge {__version__}\n"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("x"), 2),
        (ConfigError("x"), 2),
        (NothingFound("x"), 3),
        (StateError("x"), 1),
        (ServiceFault("OperationFailed", "x"), 1),
        (KeyboardInterrupt(), 1),
        (BrokenPipeError(), 1),
    ],
)
def test_exit_statuses(
    monkeypatch: pytest.MonkeyPatch, file: Path, error: BaseException, status: int
) -> None:
    """Each kind of error has its exit status."""

    def fail(_arguments: object, _settings: Settings) -> int:
        raise error

    monkeypatch.setattr(cli, "_status", fail)
    monkeypatch.setattr(cli, "_silence_stdout", lambda: None)

    assert cli.main(["status", "--config", str(file)]) == status


def test_errors_are_harmless(
    monkeypatch: pytest.MonkeyPatch, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a device says cannot reach the terminal's controls; several lines stay several lines."""

    def fail(_arguments: object, _settings: Settings) -> int:
        raise StateError("one\x1b[2J\ntwo")

    monkeypatch.setattr(cli, "_status", fail)
    cli.main(["status", "--config", str(file)])

    assert capsys.readouterr().err == "scanbridge: one\\x1b[2J\ntwo\n"


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter in the checkout."""
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_help_is_light() -> None:
    """Asking for help loads neither Twisted nor lxml."""
    code = (
        "import sys\nfrom bridge.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([name for name in ('twisted', 'lxml', 'sane', 'bridge.app', 'tomllib') if name in sys.modules])"
    )

    done = python("-c", code)

    assert done.stdout.startswith("usage: scanbridge")
    assert done.stdout.endswith("\n[]\n")


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """`python3 -m bridge` does what the command does, and passes its exit status on."""
    assert python("-m", "bridge", "--version").stdout == f"scanbridge {__version__}\n"
    done = python("-m", "bridge", "--config", str(tmp_path / "none"), "status")
    assert done.returncode == 2
    assert done.stderr.endswith("there is no such file\n")


def test_nobody_reads_on(tmp_path: Path) -> None:
    """A reader that leaves early, as `head` does, causes no traceback."""
    file = tmp_path / "scanbridge.toml"
    file.write_text("")
    code = (
        "import sys\nfrom bridge import cli\n"
        "def talk(_arguments, _settings):\n    print('x' * 1000000)\n    return 0\n"
        f"cli._status = talk\nsys.exit(cli.main(['status', '--config', {str(file)!r}]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        complaint = process.stderr.read()

    assert complaint == b""
    assert process.returncode == 1


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command's help has examples and says what the exit statuses mean."""
    for verb in ("serve", "scan", "discover", "status", "button", "doctor"):
        with pytest.raises(SystemExit) as caught:
            cli.main([verb, "--help"])
        assert caught.value.code == 0
        told = capsys.readouterr().out
        assert "examples:\n  scanbridge " in told
        assert "Exit status: 0 " in told
        assert all(len(line) <= 120 for line in told.splitlines())


def test_the_doctor_finds_wrong_settings_itself(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake in the settings does not keep the doctor from his work: it is one of his findings."""
    called: list[Any] = []
    monkeypatch.setattr("bridge.doctor.examination.doctor", lambda config, **options: called.append(config) or 2)
    file.write_text("[network]\nhttp_port = -1\n")
    assert cli.main(["doctor", "--config", str(file)]) == 2
    assert called == [file]
    assert capsys.readouterr().err == ""
