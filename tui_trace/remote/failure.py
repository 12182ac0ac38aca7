"""Why a session on another machine did not begin, or broke off, in one line."""

from collections.abc import Sequence

from tui_trace.core.sanitize import sanitize

_SSH_FAILED = 255
_NOT_FOUND = 127
_WRONG_OPTION = 2
_OURS = "tui-trace: "
_CHANGED = "REMOTE HOST IDENTIFICATION HAS CHANGED"


def describe_failure(host: str, code: int | None, lines: Sequence[str], *, has_begun: bool) -> str:
    """Return one line for ssh's exit code (negative: a signal) and the lines of standard error.

    ssh gives 255 if it fails itself, and else the code of the program there (ssh(1), EXIT STATUS).
    """
    lines = [sanitize(line) for line in lines]
    ours = [line.removeprefix(_OURS) for line in lines if line.startswith(_OURS)]
    others = [line for line in lines if not line.startswith(_OURS)]
    if has_begun:
        of_ssh = others if code == _SSH_FAILED else ours or others
        reason = f": {of_ssh[-1]}" if of_ssh else ""
        return f"the session on {host} broke off{reason}"
    if code == _SSH_FAILED:
        return _describe_ssh(host, others)
    if code == _NOT_FOUND:
        return f"{host} has no tui-trace in the PATH that ssh gets there"
    if code == _WRONG_OPTION and any("--commands" in line for line in ours):
        return f"{host} runs an older version of tui-trace, without --commands"
    if code is not None and code < 0:
        return f"ssh to {host} was ended by signal {-code}"
    said = ours or others
    return f"{host}: {said[-1]}" if said else f"{host}: ended with exit status {code}, and no word"


def _describe_ssh(host: str, lines: Sequence[str]) -> str:
    if not lines:
        return f"ssh to {host} failed without a word; try: ssh {host} tui-trace --version"
    line = lines[-1].removeprefix("ssh: ").removesuffix(".")
    if any(_CHANGED in each for each in lines):
        line += " (the host key is not the one that is known)"
    elif "Permission denied" in line:
        line += " (it has to work without a password: by a key or an agent)"
    return f"ssh to {host}: {line}"
