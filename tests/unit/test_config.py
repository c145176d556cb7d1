"""Settings files: what is taken, what is refused and how that is said."""

from __future__ import annotations

import codecs
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import config
from bridge.errors import ConfigError
from bridge.settings import SECTIONS, Declared, Settings, declared

INTERFACES = 'a list of interface names such as ["eth0", "wlan0"]'
PREFIXES = 'a list of addresses or prefixes such as ["192.168.7.0/24", "fd00:7::/64"]'
BUTTONS = (
    'a list of buttons and what each is for, such as ["button-2: email", "copy: none"]; what it can be for is scan, '
    "print, email, fax, ocr, none"
)
PATH = 'an absolute path in quotes such as "/srv/scans", or "" for the default'


def write(folder: Path, text: str, name: str = "scanbridge.toml") -> Path:
    """A settings file with `text`, byte for byte."""
    path = folder / name
    path.write_bytes(text.encode())
    return path


def complaints(path: Path) -> list[str]:
    """The lines of the ConfigError that the file `path` deserves, without the file's name that begins each."""
    with pytest.raises(ConfigError) as caught:
        config.load([path])
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def test_defaults_without_a_file(tmp_path: Path) -> None:
    """A file that does not exist leaves every setting at its default."""
    path = tmp_path / "none.toml"

    assert config.load([path]) == Settings(files=(path,))


def test_the_contract_of_the_defaults() -> None:
    """The defaults are those that the documentation promises."""
    promised = {
        "network.interfaces": (),
        "network.http_port": 8018,
        "network.ipv6": True,
        "network.allow": (),
        "scanner.virtual": "auto",
        "scanner.sane_config_dir": "",
        "scanner.name": "",
        "scanner.location": "",
        "scanner.buttons": False,
        "scanner.button_poll_hz": 2.0,
        "scanner.start_timeout_s": 60,
        "scanner.read_timeout_s": 30,
        "scanner.memory_limit_mb": 0,
        "scanner.quirks_directory": "",
        "jobs.retrieve_timeout_s": 60,
        "jobs.queue_limit": 8,
        "jobs.history_limit": 50,
        "jobs.spool_limit_mb": 512,
        "push.destination": "",
        "push.buttons": (),
        "state.directory": "",
        "control.socket": "",
        "log.level": "info",
        "log.wire": False,
        "interop.fault_status": "soap12",
        "interop.dib_file_header": True,
        "interop.hello_xaddrs": True,
        "interop.host_section": False,
        "interop.strict_timeouts": True,
    }

    assert {one.name: one.default for one in declared()} == promised


def test_every_default_is_of_its_kind() -> None:
    """A default written into a file is taken and means the same."""
    for one in declared():
        default = list(one.default) if isinstance(one.default, tuple) else one.default
        assert one.kind.read(default) == one.default, one.name


def test_every_setting_is_explained() -> None:
    """The reference has a section text and a sentence for each setting, and says what is expected."""
    assert all(kind.__doc__ for kind in SECTIONS.values())
    for one in declared():
        assert one.meaning, one.name
        assert one.kind.expected, one.name


def test_values_from_a_file(tmp_path: Path) -> None:
    """What the file says wins over the defaults; everything else stays."""
    path = write(tmp_path, '[network]\ninterfaces = ["lo", "eth0"]\nhttp_port = 0\n[scanner]\nvirtual = "always"\n')

    settings = config.load([path])

    assert settings.network.interfaces == ("lo", "eth0")
    assert settings.network.http_port == 0
    assert settings.network.ipv6 is True
    assert settings.scanner.virtual == "always"


def test_later_files_win_key_by_key(tmp_path: Path) -> None:
    """The second file replaces single settings of the first, not whole sections."""
    first = write(tmp_path, "[network]\nhttp_port = 80\nipv6 = false\n", "first.toml")
    second = write(tmp_path, "[network]\nhttp_port = 81\n", "second.toml")

    network = config.load([first, second]).network

    assert (network.http_port, network.ipv6) == (81, False)


def test_boot_file_is_laid_over_the_system_file(tmp_path: Path) -> None:
    """The file on the boot partition counts after the system's, as long as nobody has checked it beforehand."""
    system, checked, boot = (tmp_path / name for name in ("system", "checked", "boot"))

    assert config.default_files(system, checked, boot) == [system, boot]


def test_a_checked_boot_file_stands_for_the_raw_one(tmp_path: Path) -> None:
    """On the image the result of the check at boot counts, so that a wrong file on the card changes nothing."""
    system, checked, boot = (tmp_path / name for name in ("system", "checked", "boot"))
    checked.write_text("")

    assert config.default_files(system, checked, boot) == [system, checked]


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """A file given by name that is not there is an error, not the defaults."""
    path = tmp_path / "none.toml"

    with pytest.raises(ConfigError, match=r"none\.toml: there is no such file"):
        config.load([path], required=True)


def test_reload_reads_the_same_files(tmp_path: Path) -> None:
    """Reading again finds what was changed since, and still demands a file that was named."""
    path = write(tmp_path, "[jobs]\nqueue_limit = 1\n")
    settings = config.load([path], required=True)
    write(tmp_path, "[jobs]\nqueue_limit = 2\n")

    assert config.reload(settings).jobs.queue_limit == 2
    path.unlink()
    with pytest.raises(ConfigError):
        config.reload(settings)


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_files_of_windows_editors(tmp_path: Path, mark: bytes, encoding: str) -> None:
    """CRLF, byte order marks and UTF-16 make no difference."""
    path = tmp_path / "scanbridge.toml"
    path.write_bytes(mark + '[scanner]\r\n# Büro\r\nname = "Büro"\r\n'.encode(encoding))

    assert config.load([path]).scanner.name == "Büro"


def test_a_file_in_an_old_code_page(tmp_path: Path) -> None:
    """A file in a Windows code page is refused with its line and with what to do."""
    path = tmp_path / "scanbridge.toml"
    path.write_bytes('[scanner]\r\nname = "Büro"\r\n'.encode("cp1252"))

    assert complaints(path) == ["line 2 is not UTF-8; save the file again with the encoding UTF-8"]


def test_utf_16_without_its_mark(tmp_path: Path) -> None:
    """Zero bytes are no text, and the advice is the same as for a code page."""
    path = tmp_path / "scanbridge.toml"
    path.write_bytes("[scanner]\r\n".encode("utf-16-le"))

    assert complaints(path) == ["it holds zero bytes; save the file again with the encoding UTF-8"]


def test_size_limit(tmp_path: Path) -> None:
    """A file of the largest size is read, one byte more is refused."""
    path = write(tmp_path, "#" * config.MAX_FILE)
    assert config.load([path]).jobs == Settings().jobs

    write(tmp_path, "#" * (config.MAX_FILE + 1))
    assert complaints(path) == ["it is larger than 65536 bytes, which no settings file needs"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[network", "end of document"),
        ("[jobs]\nqueue_limit = \n", "line 2"),
        ("[jobs]\nqueue_limit = 1\nqueue_limit = 2\n", "line 3"),
        ("a = " + "[" * 5000, "nested too deep"),
        ("[jobs]\nqueue_limit = " + "9" * 5000, "digits"),
    ],
)
def test_what_is_no_toml(tmp_path: Path, text: str, complaint: str) -> None:
    """What the TOML reader stumbles over is one line that says where or what."""
    (line,) = complaints(write(tmp_path, text))

    assert complaint in line


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """What cannot be read is refused, also when it need not exist."""
    (line,) = complaints(tmp_path)

    assert line.startswith("it cannot be read")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[network]\nhttp_prot = 1", "network.http_prot: there is no such setting; expected http_port"),
        ("[push]\nzzz = 1", "push.zzz: there is no such setting; expected one of destination, buttons"),
        ("[netwrok]\n", "[netwrok]: there is no such section; expected [network]"),
        (
            "[zzz]\n",
            "[zzz]: there is no such section; expected one of [network], [scanner], [jobs], [push], [state], "
            "[control], [log], [interop]",
        ),
        ("http_port = 1", "http_port: expected below the line [network]"),
        ("zzz = 1", "zzz: there is no such setting; every setting stands in a section such as [network]"),
        ("network = 1", "network: expected a section, written as [network] on a line of its own"),
        ("[[network]]", "network: expected a section, written as [network] on a line of its own"),
        ('"a\\u001b[J" = 1', "a\\x1b[J: there is no such setting; every setting stands in a section such as [network]"),
    ],
)
def test_unknown_names(tmp_path: Path, text: str, complaint: str) -> None:
    """A name that is not known is refused with the name that was probably meant."""
    assert complaints(write(tmp_path, text)) == [complaint]


@pytest.mark.parametrize(
    ("section", "value", "expected"),
    [
        ("network", "http_port = -1", "a whole number from 0 to 65535"),
        ("network", "http_port = 65536", "a whole number from 0 to 65535"),
        ("network", "http_port = true", "a whole number from 0 to 65535"),
        ("network", "http_port = 80.0", "a whole number from 0 to 65535"),
        ("network", 'http_port = "80"', "a whole number from 0 to 65535"),
        ("network", "ipv6 = 1", "true or false"),
        ("network", 'interfaces = "eth0"', INTERFACES),
        ("network", "interfaces = [1]", INTERFACES),
        ("network", 'interfaces = [""]', INTERFACES),
        ("network", 'interfaces = ["a/b"]', INTERFACES),
        ("network", 'interfaces = ["a234567890123456"]', INTERFACES),
        ("network", 'allow = ["10.0.0.0/33"]', PREFIXES),
        ("network", 'allow = ["router"]', PREFIXES),
        ("push", 'buttons = "scan: email"', BUTTONS),
        ("push", 'buttons = ["scan"]', BUTTONS),
        ("push", 'buttons = [": email"]', BUTTONS),
        ("push", 'buttons = ["scan: mail"]', BUTTONS),
        ("push", 'buttons = ["sc\\u0007an: email"]', BUTTONS),
        ("push", f'buttons = ["{"x" * 128}: email"]', BUTTONS),
        ("scanner", 'virtual = "Auto"', 'one of "auto", "always", "never"'),
        ("scanner", "virtual = true", 'one of "auto", "always", "never"'),
        ("scanner", 'sane_config_dir = "sane"', PATH),
        ("scanner", 'name = "a\\nb"', "a text of one line in quotes, at most 127 characters"),
        ("scanner", "button_poll_hz = 0", "a number per second from 0.1 to 20"),
        ("scanner", "button_poll_hz = nan", "a number per second from 0.1 to 20"),
        ("scanner", "button_poll_hz = inf", "a number per second from 0.1 to 20"),
        ("scanner", "button_poll_hz = false", "a number per second from 0.1 to 20"),
        ("scanner", "read_timeout_s = 0", "a whole number of seconds from 1 to 3600"),
        ("jobs", "queue_limit = -1", "a whole number from 0 to 1000"),
        ("log", 'level = "loud"', 'one of "debug", "info", "warn", "error"'),
        ("interop", 'fault_status = "soap"', 'one of "soap12", "500", "200"'),
        ("interop", "fault_status = 500", 'one of "soap12", "500", "200"'),
    ],
)
def test_impossible_values(tmp_path: Path, section: str, value: str, expected: str) -> None:
    """A value of the wrong type or outside its limits is refused with what was expected."""
    (line,) = complaints(write(tmp_path, f"[{section}]\n{value}\n"))

    assert line.startswith(f"{section}.{value.split()[0]} = ")
    assert line.endswith(f": expected {expected}")


def test_text_limits(tmp_path: Path) -> None:
    """A name may have 127 characters, whatever their size in bytes, and loses the white space around it."""
    path = write(tmp_path, f'[scanner]\nname = "  {"ü" * 127} "\n')
    assert config.load([path]).scanner.name == "ü" * 127

    write(tmp_path, f'[scanner]\nname = "{"ü" * 128}"\n')
    assert complaints(path)[0].startswith("scanner.name = ")


def test_a_wrong_value_is_repeated_short_and_harmless(tmp_path: Path) -> None:
    """A message repeats at most the beginning of a value, with control characters made visible."""
    (line,) = complaints(write(tmp_path, '[scanner]\nname = "\\u001b[31m' + "x" * 500 + '"\n'))

    assert "\x1b" not in line
    assert r"\x1b[31mxxx" in line
    assert len(line) < 200


def test_prefixes_are_normalised(tmp_path: Path) -> None:
    """An address with its own host part, or alone, is taken as the network it stands for."""
    path = write(tmp_path, '[network]\nallow = ["192.168.7.5/24", "10.0.0.1", "FD00:0::/64"]\n')

    assert config.load([path]).network.allow == ("192.168.7.0/24", "10.0.0.1/32", "fd00::/64")


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """Everything wrong in all files is in one error, a line each with its file."""
    first = write(tmp_path, '[network]\nhttp_port = "x"\nipv6 = 3\n', "first.toml")
    second = write(tmp_path, "[zzz]\n[jobs]\nqueue_limit = -1\n", "second.toml")

    with pytest.raises(ConfigError) as caught:
        config.load([first, second])

    places = [line.split(": ")[:2] for line in str(caught.value).splitlines()]
    assert places == [
        [str(first), 'network.http_port = "x"'],
        [str(first), "network.ipv6 = 3"],
        [str(second), "[zzz]"],
        [str(second), "jobs.queue_limit = -1"],
    ]


def test_retrieve_timeout_below_the_promise(tmp_path: Path) -> None:
    """Less than 60 s between images is refused unless it is switched on by name, also from another file."""
    path = write(tmp_path, "[jobs]\nretrieve_timeout_s = 59\n")
    (line,) = complaints(path)
    assert line.startswith("jobs.retrieve_timeout_s = 59: expected at least 60")

    lenient = write(tmp_path, "[interop]\nstrict_timeouts = false\n", "lenient.toml")
    assert config.load([path, lenient]).jobs.retrieve_timeout_s == 59


def test_too_little_memory_for_a_driver(tmp_path: Path) -> None:
    """A limit that leaves a driver nothing is refused; 0 leaves it to the machine."""
    (line,) = complaints(write(tmp_path, "[scanner]\nmemory_limit_mb = 127\n"))
    assert line.startswith("scanner.memory_limit_mb = 127: expected at least 128")
    assert config.load([write(tmp_path, "[scanner]\nmemory_limit_mb = 0\n")]).scanner.memory_limit_mb == 0


def test_the_image_s_section_is_ignored(tmp_path: Path) -> None:
    """[board] belongs to the image: the daemon takes whatever it holds."""
    path = write(tmp_path, '[board]\nhostname = "pi"\nanything = [1, 2]\n')

    assert config.load([path]) == Settings(files=(path,))


@given(st.binary(max_size=300))
def test_any_bytes_are_settings_or_an_error(data: bytes) -> None:
    """Whatever is in a file, it is read or refused in words, never a crash."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scanbridge.toml"
        path.write_bytes(data)
        told = f"{path}: "
        try:
            config.load([path])
        except ConfigError as error:
            told = str(error)
    assert told.startswith(f"{path}: ")


ANY_VALUE = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.one_of(st.text(max_size=20), st.integers()), max_size=5),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.datetimes(),
    st.none(),
)


@given(st.sampled_from(list(declared())), ANY_VALUE)
def test_any_value_is_taken_or_refused(setting: Declared, value: object) -> None:
    """A setting takes a value or refuses it; what it takes, it would take again and mean the same."""
    try:
        read = setting.kind.read(value)
    except ValueError:
        return
    assert setting.kind.read(list(read) if isinstance(read, tuple) else read) == read
