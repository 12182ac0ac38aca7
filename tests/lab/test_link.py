"""The lab's link: what is sent as soon as it is up arrives."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.usefixtures("inside")

FIRST_FRAMES = """
import os, socket
from tui_trace.lab import netlink as link

outside = os.readlink("/proc/self/ns/net")
if os.geteuid():
    link.unshare(link.CLONE_NEWUSER)
KIND = 0x88B5
FRAME = link.HARDWARE_ADDRESS * 2 + KIND.to_bytes(2, "big") + bytes(46)

def end():
    link.unshare(link.CLONE_NEWNET)
    assert os.readlink("/proc/self/ns/net") != outside
    return link.Netlink(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)

lost = 0
for _ in range(40):
    (near, near_tap), (far, far_tap) = end(), end()
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    link.connect(near, far, namespace)
    near_tap.bind((link.NEAR, KIND))
    far_tap.bind((link.FAR, KIND))
    near_tap.send(FRAME)
    far_tap.send(FRAME)
    for tap in (near_tap, far_tap):
        tap.settimeout(1)
        try:
            tap.recv(100)
        except TimeoutError:
            lost += 1
    os.close(namespace)
    for opened in (near, far, near_tap, far_tap):
        opened.close()
print("lost", lost)
"""


def test_the_first_frame_arrives_in_both_directions() -> None:
    """The kernel gives the end that is up first its queue later, in a thread of its own."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_FRAMES],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.stdout == "lost 0\n", done.stderr
