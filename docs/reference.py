#!/usr/bin/python3
"""Writes what stands in more than one place: manual pages, docs/settings.md, the settings file and the completion.

They are made from the declared settings (bridge/settings.py), the declared quirks (bridge/scanner/quirk_files.py) and
the grammar of the command line (bridge/cli.py).
Run this after a change of either:  /usr/bin/python3 docs/reference.py
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bridge import __version__  # noqa: E402
from bridge.board.settings import Board  # noqa: E402
from bridge.cli import make_parser  # noqa: E402
from bridge.scanner import quirk_files  # noqa: E402
from bridge.settings import SECTIONS, Declared, declared  # noqa: E402

WIDTH = 100
"""Columns of a comment in the settings file."""

Grammar = argparse.ArgumentParser


def files() -> dict[Path, str]:
    """Every generated file and what belongs in it."""
    parser = make_parser()
    return {
        ROOT / "debian/scanbridge.toml": settings_file(),
        ROOT / "docs/man/scanbridge.toml.5": settings_page(),
        ROOT / "docs/settings.md": settings_reference(),
        ROOT / "docs/man/scanbridge-quirks.5": quirks_page(),
        ROOT / "docs/man/scanbridge.1": command_page(parser),
        ROOT / "debian/scanbridge.completion": completion(parser),
    }


# -- settings ------------------------------------------------------------------------------------


def settings_file() -> str:
    """A settings file that changes nothing: each setting commented out, with its default."""
    lines = [
        "# Settings of Scanbridge; scanbridge.toml(5) has them all with their meanings. A line without # at its",
        "# beginning is in effect after: systemctl restart scanbridge",
    ]
    for section, kind in SECTIONS.items():
        lines += ["", "", f"[{section}]", *_comment(str(kind.__doc__))]
        for one in _settings_of(section):
            lines += ["", *_comment(_sentence(one.meaning)), *_comment(f"Expected: {one.kind.expected}.")]
            lines.append(f"#{one.key} = {toml_value(one.default)}")
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """scanbridge.toml(5)."""
    lines = [
        r".\" Made by docs/reference.py from bridge/settings.py.",
        f'.TH SCANBRIDGE.TOML 5 "" "Scanbridge {__version__}" "File Formats"',
        ".SH NAME",
        r"scanbridge.toml \- settings of Scanbridge",
        ".SH DESCRIPTION",
        _roff(
            "Scanbridge works without any settings. Those that there are stand in /etc/scanbridge/scanbridge.toml; "
            "over them, setting by setting, lie those in /boot/firmware/scanbridge.toml, which every computer can "
            "write that a Raspberry Pi's card is put into. With --config, the file that it names is the only one."
        ),
        ".PP",
        _roff(
            "The files are TOML: a section's name in brackets, below it a setting in each line, as in the example. "
            "They may come from a Windows editor. A mistake is refused at start, with the file, the setting and what "
            "was expected; scanbridge exits with status 2 then."
        ),
        ".SH EXAMPLE",
        ".EX",
        "[network]",
        _roff('interfaces = ["eth0"]'),
        "",
        "[scanner]",
        _roff('virtual = "never"'),
        ".EE",
    ]
    for section, kind in SECTIONS.items():
        lines += [f".SH SECTION [{section}]", _roff(str(kind.__doc__))]
        for one in _settings_of(section):
            lines += [
                ".TP",
                f"\\fB{_roff(one.key)}\\fR = \\fI{_roff(toml_value(one.default))}\\fR",
                _roff(_sentence(one.meaning)),
                _roff(f"Expected: {one.kind.expected}."),
            ]
    lines += [".SH SEE ALSO", ".BR scanbridge (1),", ".BR scanbridge-quirks (5)"]
    return "\n".join(lines) + "\n"


def quirks_page() -> str:
    """scanbridge-quirks(5)."""
    lines = [
        r".\" Made by docs/reference.py from bridge/scanner/quirk_files.py.",
        f'.TH SCANBRIDGE\\-QUIRKS 5 "" "Scanbridge {__version__}" "File Formats"',
        ".SH NAME",
        r"scanbridge\-quirks \- what is known of single scanners",
        ".SH DESCRIPTION",
        *_paragraphs(
            "Some scanners, or their SANE drivers, do not tell what they can do, tell it wrongly, or deliver "
            "pages in a way of their own. A quirks file tells Scanbridge of it. What the bridge brings along "
            f"stands in {_installed(quirk_files.PACKAGED)}; files of your own go into {quirk_files.ADMIN}, or into"
            " the folder that scanner.quirks_directory names. All files there whose names end in .toml are read "
            "when a scanner is found, so plugging it in again, or a restart, brings a change into effect.",
            f"The files are TOML. Each entry begins with the line [[{quirk_files.TABLE}]]; a file may hold "
            "several.",
        ),
        ".SH EXAMPLE",
        ".EX",
        f"[[{quirk_files.TABLE}]]",
        _roff('usb = ["04a9:190a"]'),
        _roff('model = ["Canon LiDE 1*"]'),
        _roff('evidence = "measured with a ruler, three scans"'),
        _roff("platen_offset_mm = [1.5, 0]"),
        _roff('buttons = { scan = "scan", file = "none" }'),
        ".EE",
        ".SH WHICH SCANNER",
        *_paragraphs(
            "An entry is for a scanner when one of its USB ids or one of its models is that scanner's. It must "
            "have one of these keys at least:",
        ),
        *(line for one in quirk_files.MATCHING for line in _quirk(one)),
        ".SH PRECEDENCE",
        *_paragraphs(
            "Several entries may be for one scanner. They are laid over one another key by key, those that count "
            "more last: your own entries count more than packaged ones; among them, an entry that matches by USB "
            "id counts more than one that matches by the full name of the model, and this more than one that "
            "matches by a name with stars; among equals the later one counts, files being read in the order of "
            "their names. The log names the entries that are in effect when a scanner is found.",
        ),
        ".SH QUIRKS",
        *(line for one in quirk_files.QUIRKS for line in _quirk(one)),
        *_quirk(quirk_files.EVIDENCE),
        ".SH MISTAKES",
        *_paragraphs(
            "A mistake in a quirks file keeps no scanner from being served. An entry with a mistake is left out "
            "whole, because half a quirk can do more harm than none; all other entries count. A file that is no "
            "TOML counts as empty. Each mistake is written to the log as a warning, with the file, the entry, the "
            f"key and what was expected. At most {quirk_files.MAX_FILES} files of a folder are read.",
        ),
        ".SH SEE ALSO",
        ".BR scanbridge (1),",
        ".BR scanbridge.toml (5)",
    ]
    return "\n".join(lines) + "\n"


def _quirk(one: quirk_files.Declared) -> list[str]:
    return [
        ".TP",
        f"\\fB{_roff(one.key)}\\fR = \\fI{_roff(one.example)}\\fR",
        _roff(_sentence(one.meaning)),
        _roff(f"Expected: {one.kind.expected}."),
    ]


def _paragraphs(*texts: str) -> Iterator[str]:
    for number, text in enumerate(texts):
        if number:
            yield ".PP"
        yield _roff(text)


def _installed(path: Path) -> str:
    """Where a file of the package lies once it is installed."""
    return f"/usr/share/scanbridge/{path.relative_to(ROOT)}"


def settings_reference() -> str:
    """docs/settings.md, for reading on the web."""
    lines = [
        "# Settings",
        "",
        "<!-- Made by docs/reference.py from bridge/settings.py and bridge/board/settings.py. -->",
        "",
        "Scanbridge works without any settings. Those that there are stand in `/etc/scanbridge/scanbridge.toml`; over",
        "them, setting by setting, lie those in `/boot/firmware/scanbridge.toml`. With `--config FILE`, that file is",
        "the only one. A mistake is refused at start, with file, setting and what was expected. After a change:",
        "`systemctl restart scanbridge`.",
    ]
    # The board's settings are on the card of the SD image alone, so that the manual page does not have them.
    for section, kind in {**SECTIONS, "board": Board}.items():
        lines += ["", f"## [{section}]", "", str(kind.__doc__), "", "| Setting | Default | Meaning | Expected |"]
        lines.append("|---|---|---|---|")
        for one in declared({section: kind}):
            cells = (f"`{one.key}`", f"`{toml_value(one.default)}`", _sentence(one.meaning), f"{one.kind.expected}.")
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """`value` as it is written in a settings file."""
    # Texts, numbers, truth and lists of them are written alike in JSON and in TOML.
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _settings_of(section: str) -> list[Declared]:
    return [one for one in declared({**SECTIONS, "board": Board}) if one.section == section]


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _sentence(text: str) -> str:
    """`text` from a capital letter to a full stop; what begins with a quotation is left as it is."""
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


# -- the command line ----------------------------------------------------------------------------


def command_page(parser: Grammar) -> str:
    """scanbridge(1), from the page's text and the grammar's own help."""
    commands: list[str] = []
    synopsis: list[str] = []
    for name, does, verb in _verbs(parser):
        synopsis += [r".B scanbridge " + name, *([_usage(verb)] if _usage(verb) else []), ".br"]
        commands += [".TP", f".B {name}", _roff(does)]
        options = [line for action in _options(verb, shared=False) for line in _option(action)]
        commands += [".RS", *options, ".RE"] if options else []
    shared = [line for action in _options(parser, shared=True) for line in _option(action)]
    text = (ROOT / "docs/man/scanbridge.1.in").read_text(encoding="utf-8")
    places = {"VERSION": __version__, "SYNOPSIS": synopsis[:-1], "COMMANDS": commands, "OPTIONS": shared}
    for place, content in places.items():
        text = text.replace(f"@{place}@", content if isinstance(content, str) else "\n".join(content))
    head, _, rest = text.partition("\n")
    head = head.replace("docs/reference.py makes scanbridge.1 from this file", "Made by docs/reference.py")
    return f"{head}\n{rest}"


def completion(parser: Grammar) -> str:
    """What bash needs to complete the words of the command."""
    verbs = list(_verbs(parser))
    shared = " ".join(word for action in _options(parser, shared=True) for word in _words(action))
    cases = []
    for name, _, verb in verbs:
        words = " ".join(word for action in _options(verb, shared=None) for word in _words(action))
        cases.append(f'\t\t{name}) COMPREPLY=($(compgen -W "{words}" -- "$current")) ;;')
    return "\n".join(
        [
            "# bash completion for scanbridge, made by docs/reference.py                         -*- shell-script -*-",
            "_scanbridge() {",
            '\tlocal current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD - 1]}" verb="" word',
            '\tcase "$previous" in',
            "\t--config | -o | --output | --bundle)",
            '\t\tCOMPREPLY=($(compgen -f -- "$current"))',
            "\t\treturn",
            "\t\t;;",
            '\t--format) COMPREPLY=($(compgen -W "jpeg png tiff bmp pdf" -- "$current")) && return ;;',
            '\t--color) COMPREPLY=($(compgen -W "color gray lineart" -- "$current")) && return ;;',
            '\t--source) COMPREPLY=($(compgen -W "glass feeder duplex" -- "$current")) && return ;;',
            "\tesac",
            '\tfor word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
            '\t\tcase "$word" in',
            f"\t\t{' | '.join(name for name, _, _ in verbs)})",
            "\t\t\tverb=$word",
            "\t\t\tbreak",
            "\t\t\t;;",
            "\t\tesac",
            "\tdone",
            '\tcase "$verb" in',
            *cases,
            f'\t\t*) COMPREPLY=($(compgen -W "{" ".join(name for name, _, _ in verbs)} {shared}" -- "$current")) ;;',
            "\tesac",
            "}",
            "complete -o filenames -F _scanbridge scanbridge",
            "",
        ]
    )


def _verbs(parser: Grammar) -> Iterator[tuple[str, str, Grammar]]:
    """Each verb: its name, what it does, its own grammar."""
    # argparse has no public way to walk a grammar.
    (verbs,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for choice in verbs._choices_actions:
        yield choice.dest, str(choice.help), verbs.choices[choice.dest]


def _options(grammar: Grammar, *, shared: bool | None) -> list[argparse.Action]:
    """The options of a grammar: those that every verb has, those of one verb, or (None) both."""
    everywhere = ("-h", "--config", "--version")
    return [
        action
        for action in grammar._actions
        if action.option_strings and (shared is None or (action.option_strings[0] in everywhere) == shared)
    ]


def _words(action: argparse.Action) -> list[str]:
    return [word for word in action.option_strings if word.startswith("--")] or list(action.option_strings)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    return action.metavar if isinstance(action.metavar, str) else action.dest.upper()


def _option(action: argparse.Action) -> list[str]:
    names = ", ".join(action.option_strings)
    value = f' " {_value(action)}"' if _value(action) else ""
    return [".TP", f'.BI "{_roff(names)}"{value}', _roff(str(action.help))]


def _usage(verb: Grammar) -> str:
    words = []
    for action in _options(verb, shared=False):
        value = f" \\fI{_value(action)}\\fR" if _value(action) else ""
        words.append(f"[\\fB{_roff(action.option_strings[0])}\\fR{value}]")
    return " ".join(words)


def _roff(text: str) -> str:
    """`text` so that roff prints it as it is."""
    text = text.replace("\\", "\\(rs").replace("-", "\\-").replace("'", "\\(aq").replace("~", "\\(ti")
    return f"\\&{text}" if text.startswith(".") else text


if __name__ == "__main__":
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
        print(path.relative_to(ROOT))
