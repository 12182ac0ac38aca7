"""Network namespaces: the only place from which a prober may start.

`Netns.run` and `Netns.popen` are the one way in. They refuse a namespace that this process did
not make, so a probe cannot reach the network of the machine that runs the tests.
"""

import atexit
import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROOT = Path("/run/netns")
_ETC = Path("/etc/netns")
_PREFIX = f"tt{os.getpid()}-"
_made: dict[str, "Netns"] = {}


class NotOursError(RuntimeError):
    """A namespace that this process did not make, or the machine's own."""


class Netns:
    """A network namespace of ours, by name; `make_all` makes it, `delete` ends it."""

    def __init__(self, name: str) -> None:
        self.name = _PREFIX + name

    def check(self) -> None:
        """Raise `NotOursError` unless this is a namespace of its own that this process made."""
        path = _ROOT / self.name
        if self.name not in _made or not path.exists():
            raise NotOursError(f"{self.name} is no namespace of ours")
        if path.stat().st_ino == Path("/proc/self/ns/net").stat().st_ino:
            raise NotOursError(f"{self.name} is the network that the tests run in")

    def _command(self, args: Sequence[str]) -> list[str]:
        self.check()
        return ["ip", "netns", "exec", self.name, *args]

    def run(
        self,
        args: Sequence[str],
        *,
        timeout: float = 30,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in here to its end; `timeout` in seconds."""
        done = subprocess.run(
            self._command(args),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=env,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(args)}: exit {done.returncode}: {done.stderr.strip()}")
        return done

    def popen(
        self,
        args: Sequence[str],
        *,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.PIPE,
        stderr: int | None = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command in here; the process id is the command's own."""
        return subprocess.Popen(
            self._command(args),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=env,
        )

    def ip(self, *lines: str) -> None:
        """Give `ip` these lines as a batch."""
        batch(lines, "-n", self.name)

    def nft(self, rules: str) -> None:
        """Load nftables rules, each on a line of its own."""
        self.run(["nft", "-f", "-"], stdin=rules)

    def sysctl(self, **values: int | str) -> None:
        """Set variables below `net.`; `__` stands for the dot in a name."""
        settings = [f"net.{key.replace('__', '.')}={value}" for key, value in values.items()]
        self.run(["sysctl", "-qw", *settings])

    def etc(self, name: str, text: str) -> None:
        """What a program in here finds as `/etc/NAME` (ip-netns(8))."""
        place = _ETC / self.name
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)

    def delete(self) -> None:
        """End what runs in here, and the namespace."""
        if _made.pop(self.name, None) is not None:
            _remove(self.name)


def batch(lines: Sequence[str], *options: str) -> None:
    """Give `ip` many commands in one process."""
    done = subprocess.run(
        ["ip", *options, "-batch", "-"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"ip {' '.join(options)}: {done.stderr.strip()}")


def make_all(names: Sequence[str]) -> list[Netns]:
    """Make namespaces, each with nothing in it but `lo`."""
    spaces = [Netns(name) for name in names]
    batch([f"netns add {space.name}" for space in spaces])
    _made.update({space.name: space for space in spaces})
    return spaces


def _remove(name: str) -> None:
    done = subprocess.run(
        ["ip", "netns", "pids", name], capture_output=True, text=True, timeout=20, check=False
    )
    for pid in done.stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=20, check=False)
    shutil.rmtree(_ETC / name, ignore_errors=True)


def sweep() -> None:
    """Remove namespaces that a test process left behind when it died."""
    for path in _ROOT.glob("tt*-*") if _ROOT.is_dir() else ():
        match = re.fullmatch(r"tt(\d+)-.*", path.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            _remove(path.name)


@atexit.register
def delete_all() -> None:
    """Remove every namespace of this process."""
    for space in list(_made.values()):
        space.delete()


def missing_right() -> str | None:
    """Why namespaces cannot be made here; None if they can."""
    if os.geteuid() != 0:
        return "needs root to make network namespaces"
    for tool in ("ip", "nft", "sysctl"):
        if shutil.which(tool) is None:
            return f"needs {tool}"
    return None
