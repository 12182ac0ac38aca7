"""systemd's protocol, on a real datagram socket."""

import os
import socket
from pathlib import Path

import pytest

from tui_trace.alerts.service_manager import ServiceManager


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request, tmp_path: Path):
    """A socket as systemd has it, and the address in its variable."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        path = f"{tmp_path}/notify" if request.param == "a path" else f"@tui-trace-{os.getpid()}"
        listening.bind(path.replace("@", "\0", 1))
        listening.settimeout(5)
        yield listening, path


def test_states_arrive_and_no_child_inherits_the_socket(manager):
    listening, path = manager
    environment = {"NOTIFY_SOCKET": path, "A": "b"}
    ServiceManager(environment).tell("READY=1", "STATUS=watching 2 targets")
    assert listening.recv(1000) == b"READY=1\nSTATUS=watching 2 targets"
    assert environment == {"A": "b"}


def test_a_sign_of_life_comes_twice_as_often_as_it_is_waited_for(manager):
    listening, path = manager
    watched = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}
    service = ServiceManager(watched)
    for _ in range(3):
        service.alive()
    service.tell("STOPPING=1")
    assert [listening.recv(1000), listening.recv(1000)] == [b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"NOTIFY_SOCKET": "/no/such/socket"},
        {"NOTIFY_SOCKET": "/no/such/socket", "WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"},
    ],
)
def test_nobody_who_listens_is_no_error(environment):
    service = ServiceManager(environment)
    service.tell("READY=1")
    service.alive()
