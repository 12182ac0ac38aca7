"""A host with a real sshd in a namespace of a chain, and a viewer that reaches only this host.

The viewer has a link of its own to the host, with a delay if asked for. What runs on the host, runs
in the host's namespace: a session from there leaves by the chain.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.helpers.closing import Closing
from tests.helpers.network import netns
from tests.helpers.network.chain import DOWN, UP
from tests.helpers.network.delay_relay import DelayRelay
from tests.helpers.network.netns import Netns
from tests.helpers.network.tui_trace_process import environment
from tests.helpers.places import ROOT

NAME = "edge1"
"""What the viewer's ssh calls the host."""
ADDRESS = "198.19.0.2"
PORT = 2222
_VIEWER = "198.19.0.1"
_SSHD = "/usr/sbin/sshd"
PROGRAMS = (_SSHD, "ssh", "ssh-keygen")
"""What has to be installed."""


class SshHost(Closing):
    """sshd on `host`, whose `tui-trace` is this checkout's, and the namespace that looks at it."""

    def __init__(self, host: Netns, folder: Path, *, relay: bool = False) -> None:
        """Make keys and configs in `folder`; with `relay` the link between has a delay relay."""
        self.host = host
        self._folder = folder
        self.relay: DelayRelay | None = None
        suffix = f"v{len(netns._made)}"
        self._spaces = netns.make_all([suffix, f"{suffix}m"] if relay else [suffix])
        self.viewer = self._spaces[0]
        self.bin = folder / "there"
        """What the host's shell finds first in its PATH."""
        self._here = folder / "here"
        self._sshd: subprocess.Popen[bytes] | None = None
        try:
            self._link()
            self._make_keys()
            self.install(f'exec {shlex.quote(sys.executable)} -m tui_trace "$@"')
            self.start()
        except BaseException:
            self.close()
            raise

    def _link(self) -> None:
        host, viewer = self.host.name, self.viewer.name
        if len(self._spaces) == 1:
            netns.batch([f"link add {DOWN} netns {viewer} type veth peer name see0 netns {host}"])
        else:
            middle = self._spaces[1]
            netns.batch(
                [
                    f"link add {DOWN} netns {viewer} type veth peer name {UP} netns {middle.name}",
                    f"link add {DOWN} netns {middle.name} type veth peer name see0 netns {host}",
                ]
            )
            middle.ip(f"link set {UP} up", f"link set {DOWN} up")
        self.viewer.ip(
            "link set lo up", f"address add {_VIEWER}/24 dev {DOWN}", f"link set {DOWN} up"
        )
        self.host.ip(f"address add {ADDRESS}/24 dev see0", "link set see0 up")
        if len(self._spaces) > 1:
            self.relay = DelayRelay(self._spaces[1], UP, DOWN)

    def _make_keys(self) -> None:
        self._folder.chmod(0o755)
        for folder in (self.bin, self._here):
            folder.mkdir()
        for name in ("host_key", "user_key", "other_key"):
            make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / name)]
            subprocess.run(make, check=True, timeout=20, stdin=subprocess.DEVNULL)
        self.trust("user_key")
        self.expect_host_key("host_key")
        path = f"{self.bin}:/usr/bin:/bin"
        home = environment()["HOME"]
        (self._folder / "sshd_config").write_text(
            f"Port {PORT}\nListenAddress {ADDRESS}\nHostKey {self._folder}/host_key\n"
            f"AuthorizedKeysFile {self._folder}/authorized_keys\nStrictModes no\n"
            f"PidFile none\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication yes\n"
            f"SetEnv PATH={path} PYTHONPATH={ROOT} HOME={home} XDG_CACHE_HOME={home}\n"
        )
        (self._folder / "ssh_config").write_text(
            f"Host {NAME} {NAME}-*\n  HostName {ADDRESS}\n  Port {PORT}\n  User root\n"
            f"  IdentityFile {self._folder}/user_key\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self._folder}/known_hosts\n"
            f"  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n"
        )
        ssh = self._here / "ssh"
        ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {self._folder}/ssh_config "$@"\n')
        ssh.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """Of a program in the viewer's namespace: its ssh has the config of this host."""
        own = environment()
        return {**own, "PATH": f"{self._here}:{own['PATH']}"}

    @property
    def user_key(self) -> str:
        """The private key that may log in."""
        return (self._folder / "user_key").read_text()

    @property
    def known_hosts(self) -> str:
        """The line by which the viewer knows the host."""
        return (self._folder / "known_hosts").read_text()

    def install(self, script: str | None) -> None:
        """Let this be the host's `tui-trace`, a shell script; None: there is none."""
        program = self.bin / "tui-trace"
        program.unlink(missing_ok=True)
        if script is not None:
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)

    def trust(self, *keys: str) -> None:
        """Let these keys log in, and no others."""
        texts = [(self._folder / f"{key}.pub").read_text() for key in keys]
        (self._folder / "authorized_keys").write_text("".join(texts))

    def expect_host_key(self, key: str) -> None:
        """Let the viewer know the host by this key."""
        kind, data, *_ = (self._folder / f"{key}.pub").read_text().split()
        (self._folder / "known_hosts").write_text(f"[{ADDRESS}]:{PORT} {kind} {data}\n")

    def start(self) -> None:
        """Start sshd, and wait until it listens."""
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self._sshd = self.host.popen([_SSHD, "-D", "-e", "-f", str(self._folder / "sshd_config")])
        for _ in range(100):
            done = self.host.run(["ss", "-Hltn", f"sport = :{PORT}"])
            if done.stdout:
                return
            time.sleep(0.05)
        raise AssertionError("sshd does not listen")

    def kill(self) -> None:
        """sshd, and every process of it, dies at once; what it started lives on."""
        for pid in self.pids("sshd"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._sshd is not None:
            self._sshd.wait(10)
            self._sshd = None

    def pids(self, word: str, space: Netns | None = None) -> list[int]:
        """Processes in the host's namespace, or another one, with this in their command line."""
        listed = subprocess.run(
            ["ip", "netns", "pids", (space or self.host).name],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
        found = []
        for pid in map(int, listed.stdout.split()):
            with contextlib.suppress(OSError):
                if word in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                    found.append(pid)
        return found

    def wait_without(self, words: Sequence[str], timeout: float = 10) -> None:
        """Wait until neither end has a process with any of these words in its command line."""
        end = time.monotonic() + timeout
        left: list[int] = []
        while time.monotonic() < end:
            left = [
                pid for space in (self.host, self.viewer) for word in words
                for pid in self.pids(word, space)
            ]  # fmt: skip
            if not left:
                return
            time.sleep(0.05)
        raise AssertionError(f"still there: {left}")

    def close(self) -> None:
        """End sshd and the viewer's namespace; the host's stays."""
        self.kill()
        if self.relay is not None:
            self.relay.close()
        # its other end lives as long as anything in the viewer's namespace
        self.host.run(["ip", "link", "delete", "see0"], check=False)
        for space in self._spaces:
            space.delete()
