"""What the user's configuration of ssh says of a place, and what ssh tells the other machine."""

import os
import subprocess
from collections.abc import Mapping

from tui_trace.core.stream import SourceError
from tui_trace.remote import agent
from tui_trace.remote.place import Place

_PATIENCE = 15
"""Seconds for ssh to read its configuration, which may run programs (ssh_config(5), Match exec)."""


def real_host(place: Place) -> str:
    """Return the host that ssh would connect to (ssh(1), -G), or else its name; blocks."""
    words = ["ssh", "-G", "--", place.destination]
    try:
        done = subprocess.run(  # noqa: S603  (no shell, and `Place` admits no option)
            words,
            env=agent.environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return place.host
    for line in done.stdout.decode(errors="replace").splitlines():
        name, _, value = line.partition(" ")
        if name == "hostname" and value:
            return value.strip()
    return place.host


def caller(environment: Mapping[str, str]) -> str:
    """Return the address from which this session of ssh came (ssh(1), SSH_CONNECTION).

    Raise `SourceError` where there is none.
    """
    words = environment.get("SSH_CONNECTION", "").split()
    if len(words) != 4:
        raise SourceError("--reverse without --from goes back to who called by ssh: nobody did")
    return words[0]
