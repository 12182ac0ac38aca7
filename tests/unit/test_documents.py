"""Help, manual page and completion: each knows every option, and none that there is not."""

import argparse
import os
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.helpers.places import ROOT
from tui_trace.app.config import Config, Recordings
from tui_trace.app.keymap import KEYS
from tui_trace.cli.completion import SHELLS, script
from tui_trace.cli.main import main
from tui_trace.options.command_line import build_parser
from tui_trace.options.config_options import ALONE
from tui_trace.options.help_text import HELP
from tui_trace.report.hop_columns import ALWAYS, COLUMNS, DISPLAYS

PAGE = ROOT / "tui_trace" / "man" / "tui-trace.1"
SHOWN = [
    action for action in build_parser()._actions
    if action.option_strings and action.help is not argparse.SUPPRESS
]  # fmt: skip
OPTIONS = {option for action in SHOWN for option in action.option_strings}
ALL = {option for action in build_parser()._actions for option in action.option_strings}
WORD = r"(?<![\w-])--?[a-zA-Z0-9][a-z0-9-]*"


def test_help_fits_two_screens_and_is_grouped(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 2 * 24
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line in ("probe", "pace", "names", "other")]


def test_help_names_every_option_and_no_other() -> None:
    named = set(re.findall(WORD, HELP))
    assert named - {"--tui"} == OPTIONS


def test_the_manual_page_names_every_option_and_no_other() -> None:
    text = PAGE.read_text().replace("\\-", "-")
    named = set(re.findall(WORD, re.sub(r"\\f.", " ", text)))
    assert named >= OPTIONS
    assert named - {"--tui", "--ambient-caps", "-rw", "-8h"} <= ALL


def test_the_manual_page_names_every_key_and_what_the_config_takes() -> None:
    text = re.sub(r"\\f.", " ", PAGE.read_text().replace("\\-", "-"))
    _, keys, rest = re.split(r"^\.SH (?:KEYS|EXIT STATUS)$", text, flags=re.MULTILINE)
    assert set(re.findall(r"(?:probe|pace|view|time|app)\.[a-z]+", keys)) == {
        key.id for key in KEYS
    }
    config = set(re.findall(r"[a-z0-9-]+", rest.split(".SH CONFIGURATION")[1].split("\n.PP\n")[0]))
    fields = [msgspec.structs.fields(part) for part in (Config, Recordings)]
    named = {field.encode_name for part in fields for field in part} - {"path"}
    assert config >= named | set(DISPLAYS) | set(COLUMNS) - set(ALWAYS)
    assert config >= {option for option in ALONE if f"--{option}" in OPTIONS}


@pytest.mark.skipif(shutil.which("man") is None, reason="needs man")
def test_the_manual_page_is_clean() -> None:
    done = subprocess.run(
        ["man", "--warnings", "-l", str(PAGE)],
        capture_output=True, text=True, check=False,
        env={"MANWIDTH": "80", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stderr == ""
    assert "TUI-TRACE(1)" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_every_option(shell: str) -> None:
    text = script(shell)
    for option in OPTIONS:
        name = option.lstrip("-")
        assert option in text or re.search(rf"-[ls] {name}\b", text), option
    assert "mtu-black-hole" in text
    assert "--xml" not in text


_COMPLETE = """
eval "$(cat)"
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
COMP_LINE="${{COMP_WORDS[*]}}"; COMP_POINT=${{#COMP_LINE}}
"$(complete -p tui-trace | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("tui-trace --asn", ["--asn-source"]),
        ("tui-trace --flow v", ["vary"]),
        ("tui-trace --protocol q", ["quic"]),
        ("tui-trace --dnat ''", ["off", "match", "show"]),
        ("tui-trace --lab mtu", ["mtu", "mtu-black-hole"]),
    ],
)
def test_bash_completes(words: str, found: list[str]) -> None:
    done = subprocess.run(
        ["bash", "-c", _COMPLETE.format(words=words)],
        input=script("bash"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [line.strip() for line in done.stdout.split()] == found


def test_bash_completes_names_of_sessions_and_files(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "tui-trace" / "sessions"
    folder.mkdir(parents=True)
    for name in ("20260102T030405Z-a.example", "20260102T030406Z-b.example"):
        (folder / f"{name}.session").touch()
    (folder / "20260102T030405Z-a.example.session-wal").touch()
    (tmp_path / "2026.session").touch()
    done = subprocess.run(
        ["bash", "-c", _COMPLETE.format(words="tui-trace --replay 2026")],
        input=script("bash"), capture_output=True, text=True, check=True, cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(tmp_path / "state")},
    )  # fmt: skip
    assert sorted(done.stdout.split()) == [
        "2026.session",
        "20260102T030405Z-a.example",
        "20260102T030406Z-b.example",
    ]


def test_another_shell_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--completion", "tcsh"]) == 2
    assert capsys.readouterr().err == (
        "tui-trace: --completion takes bash, zsh or fish, not 'tcsh'\n"
    )
