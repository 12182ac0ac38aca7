"""The lab as a process: a private network for ours, and behind its only link the lab's internet."""

import contextlib
import ctypes
import gc
import heapq
import itertools
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from tui_trace.core.privileges import drop_capabilities
from tui_trace.lab.netlink import (
    CLONE_NEWNET,
    CLONE_NEWUSER,
    FAR,
    HARDWARE_ADDRESS,
    MTU,
    NEAR,
    Netlink,
    connect,
    unshare,
)
from tui_trace.lab.scenario import Scenario
from tui_trace.lab.scenario_file import LabError
from tui_trace.lab.servers import Services
from tui_trace.lab.simulator import Simulator

CLIENT = {4: "192.0.2.2", 6: "2001:db8::2"}
GATEWAY = {4: "192.0.2.1", 6: "2001:db8::1"}
DNS = {4: "192.0.2.53", 6: "2001:db8::53"}
WHOIS = {4: "192.0.2.43", 6: "2001:db8::43"}
PREFIX = {4: 24, 6: 64}
WHOLE = {4: 32, 6: 128}

_ETH_P_ALL = 3
_SOL_PACKET, _PACKET_IGNORE_OUTGOING = 263, 23
_PR_SET_PDEATHSIG, _PR_SET_SECUREBITS, _PR_SET_TIMERSLACK = 1, 28, 29
_NO_SETUID_FIXUP = 1 << 2
_HEADER = {
    4: HARDWARE_ADDRESS * 2 + b"\x08\x00",
    6: HARDWARE_ADDRESS * 2 + b"\x86\xdd",
}
READY = b"ready"
_NOBODY = 65_534
"""User and group that own nothing."""
_BATCH = 64
"""Packets taken at once, before those that are due leave."""


class Lab:
    """A lab, as the process that is inside sees it: quiet until `start`."""

    scenario: Scenario
    """From `start` on."""

    def __init__(self, pid: int, lifeline: int, orders: int, said: int) -> None:
        """`lifeline` is the pipe whose end ends the lab, `orders` takes what it is to play, and
        `said` gives what it says of that.
        """
        self.pid = pid
        self._lifeline = lifeline
        self._orders = orders
        self._said = said

    @property
    def target(self) -> str:
        """The name of the scenario's target; `scenario.resolve` knows its addresses."""
        return self.scenario.target.name

    @property
    def dns_server(self) -> str:
        """ADDR:PORT of the lab's name server."""
        family = self.scenario.families[0]
        return f"{DNS[family]}:53" if family == 4 else f"[{DNS[family]}]:53"

    @property
    def whois_server(self) -> str:
        """Address of the lab's whois server, at port 43."""
        return WHOIS[self.scenario.families[0]]

    def start(self, scenario: Scenario) -> None:
        """Have it play this scenario; once. `LabError` if it cannot."""
        self.scenario = scenario
        # a lab that ended has said why
        with contextlib.suppress(BrokenPipeError), os.fdopen(self._orders, "wb") as orders:
            orders.write(msgspec.msgpack.encode(scenario))
        with os.fdopen(self._said, "rb") as said:
            self.expect(said.read(4096))

    def expect(self, said: bytes) -> None:
        """`LabError` unless that is `READY`, and then the lab has ended."""
        if said != READY:
            self.close()
            reason = said.decode(errors="replace") or "its process ended"
            raise LabError(f"the lab cannot start: {reason}")

    def close(self) -> None:
        """End the lab's process. This process stays in its network, with nobody there."""
        if self._lifeline < 0:
            return
        os.close(self._lifeline)
        self._lifeline = -1
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def enter(scenario: Scenario) -> Lab:
    """`prepare` and `start` at once, for a process that gives up no rights in between."""
    lab = prepare(scenario.families)
    lab.start(scenario)
    return lab


def prepare(families: Sequence[int] = (4, 6)) -> Lab:
    """Move this process into a lab's network; `LabError` if it cannot be.

    To be called while the process has one thread and no raw socket: sockets that are open stay
    in the network in which they were made. Whatever this process starts later is inside, too.
    The processes of the lab have no rights when this comes back, and this one needs none for
    `start`. The link speaks the IP versions that are both in `families` and in the kernel.
    """
    _enter_namespace()
    lifeline_read, lifeline_write = os.pipe()
    orders_read, orders_write = os.pipe()
    said_read, said_write = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        for ours in (lifeline_write, orders_write, said_read):
            os.close(ours)
        _run_child(families, lifeline_read, orders_read, said_write, parent)
    for theirs in (lifeline_read, orders_read, said_write):
        os.close(theirs)
    lab = Lab(pid, lifeline_write, orders_write, said_read)
    try:
        lab.expect(os.read(said_read, 4096))
    except LabError:
        os.close(orders_write)
        os.close(said_read)
        raise
    return lab


def _enter_namespace() -> None:
    # a namespace is a thread's own: another thread would go on probing the real network
    if len(os.listdir("/proc/self/task")) > 1:
        raise LabError("the lab must be entered before the first thread starts")
    with contextlib.suppress(OSError):
        unshare(CLONE_NEWNET)
        return
    uid, gid = os.geteuid(), os.getegid()
    try:
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        Netlink().close()
    except OSError as error:
        cure = (
            "in a container it needs CAP_SYS_ADMIN"
            if uid == 0
            else "Ubuntu 24.04 and later allow it only to root: use sudo"
        )
        raise LabError(
            f"the lab needs a network namespace of its own ({error.strerror}); {cure}"
        ) from None


def _run_child(
    families: Sequence[int], lifeline: int, orders: int, said: int, parent: int
) -> NoReturn:
    status = 1
    try:
        _detach(keep=(lifeline, orders, said))
        try:
            spoken = [family for family in families if family == 4 or _has_ipv6()]
            tap, services = _build(spoken)
            servers = _fork_servers(services, closed=(tap.fileno(), lifeline, orders, said))
            _give_up_rights(parent)
            os.write(said, READY)
            ordered = _read_all(orders)
            scenario = _scenario(ordered)
            if not set(spoken) & set(scenario.families):
                raise LabError("this scenario needs IPv6, which this machine does not have")
            internet = Simulator(scenario)
            with os.fdopen(servers, "wb") as file:
                file.write(ordered)
        except Exception as error:
            os.write(said, str(error).encode()[:1000])
            raise
        os.write(said, READY)
        os.close(said)
        run_simulator(tap, internet, lifeline)
        status = 0
    finally:
        # nothing of the process that was forked may run twice: no atexit, no finally, no traceback
        os._exit(status)


def _read_all(pipe: int) -> bytes:
    with os.fdopen(pipe, "rb") as file:
        return file.read()


def _scenario(ordered: bytes) -> Scenario:
    return msgspec.msgpack.decode(ordered, type=Scenario)


def _detach(keep: tuple[int, ...]) -> None:
    """A session of its own (Ctrl-C and Ctrl-Z are not for the lab), no files of ours."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    highest = os.sysconf("SC_OPEN_MAX")
    edges = [2, *sorted(keep), min(highest, 1 << 16)]
    for low, high in itertools.pairwise(edges):
        os.closerange(low + 1, high)


def _give_up_rights(parent: int) -> None:
    """Before the first byte is read from the link: no capabilities, and nobody instead of root.

    Dying with the `parent` comes last, because a change of the user ends that. Where the parent is
    not allowed to signal nobody, its end of the lifeline has to do.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        # else the kernel takes the right to empty the bounding set together with the user
        libc.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0)
        with contextlib.suppress(OSError):  # a user namespace that has no other user
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    drop_capabilities()
    libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    libc.prctl(_PR_SET_TIMERSLACK, 1000, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _has_ipv6() -> bool:
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True


def _build(families: Sequence[int]) -> tuple[socket.socket, Services]:
    """The link, its far end in a namespace of this process; the sockets that are on it."""
    with contextlib.suppress(OSError):
        group = os.getegid()
        Path("/proc/sys/net/ipv4/ping_group_range").write_text(f"{group} {group}")
    near = Netlink()
    unshare(CLONE_NEWNET)
    far = Netlink()
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    connect(near, far, namespace)
    os.close(namespace)
    near.up("lo")
    near.compute_checksums(NEAR)
    for family in families:
        near.add_address(NEAR, CLIENT[family], PREFIX[family])
        near.add_default_route(NEAR, GATEWAY[family])
        # no network on this side: whoever else is on it is played by the routers
        far.add_address(FAR, DNS[family], WHOLE[family])
        far.add_address(FAR, WHOIS[family], WHOLE[family])
        far.add_host_route(FAR, CLIENT[family])
        far.ignore_strangers(family)
    near.close()
    far.close()
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    tap.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    tap.bind((FAR, _ETH_P_ALL))
    return tap, Services([DNS[each] for each in families], [WHOIS[each] for each in families])


def _fork_servers(services: Services, closed: tuple[int, ...]) -> int:
    """Name and whois server as a process of their own, so that no packet waits for them.

    It takes its scenario from the pipe whose end comes back. The files in `closed` are none of its.
    """
    parent = os.getpid()
    orders, ours = os.pipe()
    if os.fork() == 0:
        try:
            for number in (*closed, ours):
                os.close(number)
            services.prepare()
            _give_up_rights(parent)
            services.serve(_scenario(_read_all(orders)))
        finally:
            os._exit(1)
    os.close(orders)
    services.close()
    return ours


def run_simulator(tap: socket.socket, internet: Simulator, lifeline: int) -> None:
    """Answer what comes from the link, each packet at its time, until the lifeline ends."""
    gc.freeze()
    clock: Callable[[], int] = time.monotonic_ns
    waiting: list[tuple[int, int, bytes]] = []
    numbers = itertools.count()
    repeats = internet.repeats
    while True:
        now = clock()
        for at, raw in repeats.take(now):
            heapq.heappush(waiting, (at, next(numbers), raw))
        while waiting and waiting[0][0] <= now:
            raw = heapq.heappop(waiting)[2]
            with contextlib.suppress(OSError):
                tap.send(_HEADER[raw[0] >> 4] + raw)
        first = waiting[0][0] if waiting else None
        due = [moment for moment in (first, repeats.due) if moment is not None]
        timeout = max(0, min(due) - clock()) / 1e9 if due else None
        readable = select.select([tap.fileno(), lifeline], [], [], timeout)[0]
        if lifeline in readable:
            return
        if tap.fileno() not in readable:
            continue
        for _ in range(_BATCH):
            try:
                frame = tap.recv(MTU + 64)
            except BlockingIOError:
                break
            for at, raw in internet.receive(frame[14:], clock()):
                heapq.heappush(waiting, (at, next(numbers), raw))
