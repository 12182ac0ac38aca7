"""`sudo tui-trace --from ssh:HOST`: ssh is the caller's, with the caller's config and agent."""

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.network.chain import Chain
from tests.helpers.network.ssh_host import ADDRESS, PORT, PROGRAMS, SshHost
from tests.helpers.network.users import User, Users

pytestmark = [
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in (*PROGRAMS, "ssh-agent")),
        reason="needs sshd, ssh and ssh-agent",
    ),
    pytest.mark.slow,
]


@pytest.fixture
def chain() -> Iterator[Chain]:
    with Chain(2) as made:
        yield made


def write(user: User, path: Path, text: str) -> None:
    """A file that only this user may read."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    for each in (path.parent, path):
        os.chown(each, user.uid, user.uid)


def test_ssh_is_the_callers_with_config_and_agent(chain: Chain, tmp_path: Path) -> None:
    with SshHost(chain.client, tmp_path) as host, Users(host.viewer) as users:
        alice = users.alice
        users.install(alice)
        folder = alice.home / ".ssh"
        write(alice, folder / "config", (
            f"Host lab\n  HostName {ADDRESS}\n  Port {PORT}\n  User root\n"
            f"  StrictHostKeyChecking yes\n"
        ))  # fmt: skip
        write(alice, folder / "known_hosts", host.known_hosts)
        write(alice, folder / "key", host.user_key)
        trace = [alice.script, "--from", "ssh:lab", "-r", "-n", "-c", "2", "-i", "0.2"]
        words = shlex.join(["sudo", "-n", *trace, chain.target_address()])
        # the key is in the agent only
        script = f"ssh-add -q {folder}/key && rm {folder}/key && {words}; echo exit $?"
        done = host.viewer.run(alice.command(("ssh-agent", "sh", "-c", script)), timeout=60)
        assert "HOST: lab" in done.stdout, done
        assert re.search(rf" 3\.\|-- {re.escape(chain.hop(3))} +0\.0%", done.stdout), done
        assert done.stdout.endswith("exit 0\n")
