"""The one way into a lab for tests: `python enter_lab.py SCENARIO COMMAND...` runs it in the lab.

The command is a child of a process that has entered the lab, so it is inside by inheritance.
`@dns` and `@lab` in it become the name server's address and the lab's process id.
"""

import os
import subprocess
import sys

from tui_trace.lab import LabError, enter, load_scenario


def main() -> int:
    """Exit code of the command; 99 if the lab could not be."""
    outside = os.readlink("/proc/self/ns/net")
    try:
        lab = enter(load_scenario(sys.argv[1]))
    except LabError as error:
        print(error, file=sys.stderr)
        return 99
    if os.readlink("/proc/self/ns/net") == outside:
        print("still outside", file=sys.stderr)
        return 99
    command = [
        {"@dns": lab.dns_server, "@lab": str(lab.pid)}.get(word, word) for word in sys.argv[2:]
    ]
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
