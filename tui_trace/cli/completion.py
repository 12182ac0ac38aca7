"""`--completion`: completion scripts for bash, zsh and fish, made by shtab."""

from typing import Any

from tui_trace.core.settings import DnatMode, FlowMode, ProbeIdField, SettingError
from tui_trace.options.command_line import build_parser

SHELLS = ("bash", "zsh", "fish")
_FILES = ("--record", "--replay")


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
        "--lab": ("list", *scenario_names()),
        "--as": PROGRAMS,
    }
    for action in parser._actions:
        names = set(action.option_strings)
        for option in names & set(values):
            action.choices = values[option]
        if names & set(_FILES):
            file_action: Any = action
            file_action.complete = shtab.FILE
    made: str = shtab.complete(parser, shell=shell)
    return made if made.endswith("\n") else f"{made}\n"
