"""`--completion`: completion scripts for bash, zsh and fish, made by shtab."""

from typing import Any

from tui_trace.core.settings import (
    PROTOCOL_NAMES,
    DnatMode,
    FlowMode,
    ProbeIdField,
    Protocol,
    SettingError,
)
from tui_trace.options.command_line import build_parser

SHELLS = ("bash", "zsh", "fish")
_FILES = ("--record", "--geoip", "--peeringdb")
_SESSIONS = {
    "bash": "_tui_trace_sessions",
    "zsh": "_tui_trace_sessions",
    "fish": "(_tui_trace_sessions)",
    "preamble": {
        "bash": """
_tui_trace_sessions() {
  local folder="${XDG_STATE_HOME:-$HOME/.local/state}/tui-trace/sessions" file
  compgen -f -- "$1"
  for file in "$folder/$1"*.session; do
    [ -e "$file" ] || continue
    file=${file##*/}
    printf '%s\\n' "${file%.session}"
  done
}
""",
        "zsh": """
_tui_trace_sessions() {
  local -a names
  names=(${XDG_STATE_HOME:-$HOME/.local/state}/tui-trace/sessions/*.session(N:t:r))
  compadd -a names
  _files
}
""",
        "fish": """
function _tui_trace_sessions
  set -l state $XDG_STATE_HOME
  test -n "$state"; or set state ~/.local/state
  for file in $state/tui-trace/sessions/*.session
    string replace -r '.*/(.*)\\.session$' '$1' -- $file
  end
  __fish_complete_path (commandline -ct)
end
""",
    },
}
"""What completes `--replay`: the names of the recorded sessions, and files."""


def script(shell: str) -> str:
    """Return the script for one of `SHELLS`; raise `SettingError` for another shell."""
    import shtab

    from tui_trace.classic import PROGRAMS
    from tui_trace.lab import scenario_names
    from tui_trace.names.name_options import AsnSource

    if shell not in SHELLS:
        raise SettingError("--completion", shell, ", ".join(SHELLS[:-1]) + f" or {SHELLS[-1]}")
    parser = build_parser()
    values: dict[str, tuple[str, ...]] = {
        "--flow": tuple(FlowMode),
        "--dnat": tuple(DnatMode),
        "--track": tuple(ProbeIdField),
        "--asn-source": tuple(AsnSource),
        "--completion": SHELLS,
        "--lab": ("list", "quiz", *scenario_names()),
        "--as": PROGRAMS,
        "--hide": ("private",),
        "--protocol": (Protocol.QUIC, *PROTOCOL_NAMES.values()),
    }
    for action in parser._actions:
        names = set(action.option_strings)
        for option in names & set(values):
            action.choices = values[option]
        completed: Any = action
        if names & set(_FILES):
            completed.complete = shtab.FILE
        if "--replay" in names:
            completed.complete = _SESSIONS
    made: str = shtab.complete(parser, shell=shell)
    return made if made.endswith("\n") else f"{made}\n"
