"""Real users with private homes, and a real sudo, in a network namespace of ours.

They stand in an `/etc/passwd` that is seen only there (ip-netns(8)): this machine's stays as it is.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.helpers.closing import Closing
from tests.helpers.network.netns import Netns
from tests.helpers.places import ROOT

_DEBIAN = "/usr/bin/python3"
_NOT_NEEDED = (
    "mypy*",
    "*__mypyc*",
    "ruff*",
    "pyte*",
    "hypothesis*",
    "*.pth",
    "tui_trace*",
    "tests",
)
SHARED_GROUP = 64_100
"""A supplementary group of everybody's."""


class User:
    """A user with a home of mode 0700."""

    def __init__(self, name: str, uid: int, home: Path) -> None:
        self.name = name
        self.uid = uid
        self.home = home

    @property
    def script(self) -> str:
        """The console script in this user's home."""
        return str(self.home / ".venv/bin/tui-trace")

    @property
    def environment(self) -> dict[str, str]:
        """What a login shell of this user starts with."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {
            **{"HOME": str(self.home), "USER": self.name, "LOGNAME": self.name, "PATH": path},
            **{"TERM": "xterm-256color", "LANG": "C.UTF-8"},
        }

    def command(self, args: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """The command line that runs `args` as this user; `env` is added to the environment."""
        words = [f"{name}={value}" for name, value in {**self.environment, **(env or {})}.items()]
        login = ("setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--init-groups")
        return [*login, "env", "-i", *words, *args]

    def owns(self, path: Path) -> bool:
        """The file is this user's, and of this user's group."""
        found = path.stat(follow_symlinks=False)
        return (found.st_uid, found.st_gid) == (self.uid, self.uid)


class Users(Closing):
    """alice, who has the program in her home, and bob, who hasn't; both may sudo as they like."""

    def __init__(self, space: Netns) -> None:
        # pytest's own folder for temporary files is closed to everybody but root
        self._folder = Path(tempfile.mkdtemp(prefix="tt-homes-"))
        self._folder.chmod(0o755)
        self.alice = self._user("alice", 64_001)
        self.bob = self._user("bob", 64_002)
        _register(space, (self.alice, self.bob))

    def _user(self, name: str, uid: int) -> User:
        home = self._folder / name
        home.mkdir(mode=0o700)
        os.chown(home, uid, uid)
        return User(name, uid, home)

    def install(self, user: User) -> None:
        """Install this checkout, by pip, into a virtual environment in the user's home."""
        venv = user.home / ".venv"
        subprocess.run([_interpreter(), "-m", "venv", str(venv)], check=True, timeout=120)
        site = next(venv.glob("lib/python*/site-packages"))
        shutil.copytree(
            sysconfig.get_path("purelib"),
            site,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns(*_NOT_NEEDED),
        )
        pip = [str(venv / "bin/python"), "-m", "pip", "install", "-q"]
        offline = ("--no-index", "--no-deps", "--no-build-isolation")
        subprocess.run([*pip, *offline, str(ROOT)], check=True, timeout=240)
        subprocess.run(["chown", "-R", f"{user.uid}:{user.uid}", str(venv)], check=True)

    def close(self) -> None:
        """Give everything back."""
        shutil.rmtree(self._folder)


def _interpreter() -> str:
    """Debian's own, which everybody may read, if compiled packages of this one fit it."""
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    if os.access(_DEBIAN, os.X_OK):
        asked = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([_DEBIAN, "-c", asked], capture_output=True, text=True, check=True)
        if done.stdout.strip() == ours:
            return _DEBIAN
    return sys.executable


def _register(space: Netns, users: Sequence[User]) -> None:
    passwd = Path("/etc/passwd").read_text()
    group = Path("/etc/group").read_text()
    for user in users:
        passwd += f"{user.name}:*:{user.uid}:{user.uid}::{user.home}:/bin/sh\n"
        group += f"{user.name}:x:{user.uid}:\n"
    group += f"shared:x:{SHARED_GROUP}:{','.join(user.name for user in users)}\n"
    rules = [f"{user.name} ALL=(ALL:ALL) NOPASSWD:SETENV: ALL" for user in users]
    space.etc("passwd", passwd)
    space.etc("group", group)
    space.etc("sudoers", "\n".join(["Defaults env_reset", "Defaults use_pty", *rules, ""]))
    space.etc("hosts", f"127.0.0.1 localhost {os.uname().nodename}\n")
