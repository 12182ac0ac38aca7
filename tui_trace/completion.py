"""`--completion`: scripts that complete our options in bash, zsh and fish, made by shtab."""

from typing import Any

from tui_trace.options import build_parser
from tui_trace.settings import Dnat, Flow, SettingError, Track

SHELLS = ("bash", "zsh", "fish")
_FILES = ("--record", "--replay")


def script(shell: str) -> str:
    """For one of `SHELLS`; `SettingError` for any other."""
    import shtab  # noqa: PLC0415

    from tui_trace.classic import PROGRAMS  # noqa: PLC0415
    from tui_trace.lab import scenario_names  # noqa: PLC0415
    from tui_trace.names.options import AsnSource  # noqa: PLC0415

    if shell not in SHELLS:
        raise SettingError("--completion", shell, ", ".join(SHELLS[:-1]) + f" or {SHELLS[-1]}")
    parser = build_parser()
    values: dict[str, tuple[str, ...]] = {
        "--flow": tuple(Flow),
        "--dnat": tuple(Dnat),
        "--track": tuple(Track),
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
            told: Any = action
            told.complete = shtab.FILE
    made: str = shtab.complete(parser, shell=shell)
    return made if made.endswith("\n") else f"{made}\n"
