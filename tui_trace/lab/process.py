"""The lab's processes: a private network for this process, and the simulator behind its link."""

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

from tui_trace.core.forked import detach
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
from tui_trace.lab.servers import LabServers
from tui_trace.lab.simulator import Simulator

CLIENT = {4: "192.0.2.2", 6: "2001:db8::2"}
GATEWAY = {4: "192.0.2.1", 6: "2001:db8::1"}
DNS = {4: "192.0.2.53", 6: "2001:db8::53"}
WHOIS = {4: "192.0.2.43", 6: "2001:db8::43"}
PREFIX = {4: 24, 6: 64}
HOST_PREFIX = {4: 32, 6: 128}

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
"""Packets read in a row before due packets are sent."""


class Lab:
    """A lab, as the process inside it sees it; its routers are silent until `start`."""

    scenario: Scenario
    """Set by `start`."""

    def __init__(self, pid: int, lifeline: int, orders: int, status: int) -> None:
        """Take the ends of three pipes to the lab's process.

        Closing `lifeline` ends the lab, `orders` takes the scenario, and `status` gives `READY` or
        the text of an error.
        """
        self.pid = pid
        self._lifeline = lifeline
        self._orders = orders
        self._status = status

    @property
    def target(self) -> str:
        """The name of the scenario's target; `scenario.resolve` returns its addresses."""
        return self.scenario.target.name

    @property
    def dns_server(self) -> str:
        """The lab's name server, as ADDR:PORT."""
        family = self.scenario.families[0]
        return f"{DNS[family]}:53" if family == 4 else f"[{DNS[family]}]:53"

    @property
    def whois_server(self) -> str:
        """The address of the lab's whois server; its port is 43."""
        return WHOIS[self.scenario.families[0]]

    def start(self, scenario: Scenario) -> None:
        """Start the simulation of this scenario, once; raise `LabError` if that fails."""
        self.scenario = scenario
        # a lab that has ended has written why to its status pipe
        with contextlib.suppress(BrokenPipeError), os.fdopen(self._orders, "wb") as orders:
            orders.write(msgspec.msgpack.encode(scenario))
        with os.fdopen(self._status, "rb") as status:
            self.check_status(status.read(4096))

    def check_status(self, status: bytes) -> None:
        """End the lab and raise `LabError` unless `status` is `READY`."""
        if status != READY:
            self.close()
            reason = status.decode(errors="replace") or "its process ended"
            raise LabError(f"the lab cannot start: {reason}")

    def close(self) -> None:
        """End the lab's process; this process stays in its network, which is then empty."""
        if self._lifeline < 0:
            return
        os.close(self._lifeline)
        self._lifeline = -1
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def enter(scenario: Scenario) -> Lab:
    """Call `prepare` and `start`, for a process that gives up no rights between them."""
    lab = prepare(scenario.families)
    lab.start(scenario)
    return lab


def prepare(families: Sequence[int] = (4, 6)) -> Lab:
    """Move this process into the network of a new lab; raise `LabError` if that fails.

    Call this while the process has one thread and no raw socket: an open socket stays in the
    network in which it was made. Processes that this process starts later are inside, too. When
    this function returns, the processes of the lab have no rights, and `start` needs none. The
    link has the IP versions that are in `families` and that the kernel supports.
    """
    _enter_namespace()
    lifeline_read, lifeline_write = os.pipe()
    orders_read, orders_write = os.pipe()
    status_read, status_write = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        for ours in (lifeline_write, orders_write, status_read):
            os.close(ours)
        _run_child(families, lifeline_read, orders_read, status_write, parent)
    for theirs in (lifeline_read, orders_read, status_write):
        os.close(theirs)
    lab = Lab(pid, lifeline_write, orders_write, status_read)
    try:
        lab.check_status(os.read(status_read, 4096))
    except LabError:
        os.close(orders_write)
        os.close(status_read)
        raise
    return lab


def _enter_namespace() -> None:
    # a namespace belongs to one thread: another thread would stay in the real network
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
    families: Sequence[int], lifeline: int, orders: int, status: int, parent: int
) -> NoReturn:
    exit_code = 1
    try:
        detach(keep=(lifeline, orders, status))
        try:
            supported = [family for family in families if family == 4 or _has_ipv6()]
            tap, services = _build_network(supported)
            servers = _fork_servers(services, closed=(tap.fileno(), lifeline, orders, status))
            _give_up_rights(parent)
            os.write(status, READY)
            ordered = _read_all(orders)
            scenario = _decode_scenario(ordered)
            if not set(supported) & set(scenario.families):
                raise LabError("this scenario needs IPv6, which this machine does not have")
            simulator = Simulator(scenario)
            with os.fdopen(servers, "wb") as file:
                file.write(ordered)
        except Exception as error:
            os.write(status, str(error).encode()[:1000])
            raise
        os.write(status, READY)
        os.close(status)
        run_simulator(tap, simulator, lifeline)
        exit_code = 0
    finally:
        # run no atexit, no finally and no traceback of the parent, of which this is a copy
        os._exit(exit_code)


def _read_all(pipe: int) -> bytes:
    with os.fdopen(pipe, "rb") as file:
        return file.read()


def _decode_scenario(ordered: bytes) -> Scenario:
    return msgspec.msgpack.decode(ordered, type=Scenario)


def _give_up_rights(parent: int) -> None:
    """Give up all capabilities, and become the user nobody if this is root.

    This happens before the first byte is read from the link. The death signal of the `parent` is
    set last, because a change of the user clears it. If the parent may not signal the new user, the
    end of the lifeline ends this process.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        # without this the kernel drops CAP_SETPCAP with the user, and the bounding set stays
        libc.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0)
        with contextlib.suppress(OSError):  # a user namespace with no other user
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


def _build_network(families: Sequence[int]) -> tuple[socket.socket, LabServers]:
    """Make the link, with its far end in a new namespace of this process, and open its sockets."""
    with contextlib.suppress(OSError):
        group = os.getegid()
        Path("/proc/sys/net/ipv4/ping_group_range").write_text(f"{group} {group}")
    near = Netlink()
    unshare(CLONE_NEWNET)
    far = Netlink()
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    connect(near, far, namespace)
    os.close(namespace)
    near.bring_up("lo")
    near.compute_checksums(NEAR)
    for family in families:
        near.add_address(NEAR, CLIENT[family], PREFIX[family])
        near.add_default_route(NEAR, GATEWAY[family])
        # host routes only on this side: the simulator plays all other hosts of the network
        far.add_address(FAR, DNS[family], HOST_PREFIX[family])
        far.add_address(FAR, WHOIS[family], HOST_PREFIX[family])
        far.add_host_route(FAR, CLIENT[family])
        far.add_blackhole_route(family)
    near.close()
    far.close()
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    tap.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    tap.bind((FAR, _ETH_P_ALL))
    return tap, LabServers([DNS[each] for each in families], [WHOIS[each] for each in families])


def _fork_servers(services: LabServers, closed: tuple[int, ...]) -> int:
    """Fork the process of the name and whois servers, so that no packet waits for them.

    Return the end of the pipe from which that process reads its scenario. It closes the files in
    `closed`.
    """
    parent = os.getpid()
    orders, ours = os.pipe()
    if os.fork() == 0:
        try:
            for number in (*closed, ours):
                os.close(number)
            services.prepare()
            _give_up_rights(parent)
            services.serve(_decode_scenario(_read_all(orders)))
        finally:
            os._exit(1)
    os.close(orders)
    services.close()
    return ours


def run_simulator(tap: socket.socket, simulator: Simulator, lifeline: int) -> None:
    """Answer the packets from the link, each at its time, until the lifeline is closed."""
    gc.freeze()
    clock: Callable[[], int] = time.monotonic_ns
    waiting: list[tuple[int, int, bytes]] = []
    numbers = itertools.count()
    retransmissions = simulator.retransmissions
    while True:
        now = clock()
        for at, raw in retransmissions.pop_due(now):
            heapq.heappush(waiting, (at, next(numbers), raw))
        while waiting and waiting[0][0] <= now:
            raw = heapq.heappop(waiting)[2]
            with contextlib.suppress(OSError):
                tap.send(_HEADER[raw[0] >> 4] + raw)
        first = waiting[0][0] if waiting else None
        due = [moment for moment in (first, retransmissions.due) if moment is not None]
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
            for at, raw in simulator.receive(frame[14:], clock()):
                heapq.heappush(waiting, (at, next(numbers), raw))
