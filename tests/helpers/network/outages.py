"""Ways to take the network away from the client of a chain, and to give it back."""

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.helpers.network.chain import DOWN, UP, Chain, address
from tests.helpers.network.fault_injection import refusing

Fault = Callable[[Chain], AbstractContextManager[None]]


def _routes(chain: Chain) -> list[str]:
    return [
        f"route replace {everywhere} via {chain.hop(1, family)}"
        for family, everywhere in ((4, "0.0.0.0/0"), (6, "::/0"))
    ]


def _addresses(side: int = 1) -> list[str]:
    return [
        f"address add {address(1, side, 4)}/24 dev {DOWN}",
        f"address add {address(1, side, 6)}/64 dev {DOWN} nodad",
    ]


@contextmanager
def link_down(chain: Chain) -> Iterator[None]:
    chain.client.sysctl(ipv6__conf__all__keep_addr_on_down=1)
    chain.client.ip(f"link set {DOWN} down")
    yield
    chain.client.ip(f"link set {DOWN} up", *_routes(chain))


@contextmanager
def no_route(chain: Chain) -> Iterator[None]:
    chain.client.ip("route delete 0.0.0.0/0", "route delete ::/0")
    yield
    chain.client.ip(*_routes(chain))


@contextmanager
def firewall(chain: Chain) -> Iterator[None]:
    with refusing(chain.client):
        yield


@contextmanager
def small_mtu(chain: Chain) -> Iterator[None]:
    chain.client.ip(f"link set {DOWN} mtu 1280")
    yield
    chain.client.ip(f"link set {DOWN} mtu 1500")


@contextmanager
def interface_made_anew(chain: Chain) -> Iterator[None]:
    chain.client.ip(f"link delete {DOWN}")
    yield
    router = chain.router(1)
    chain.client.ip(f"link add {DOWN} type veth peer name {UP} netns {router.name}")
    chain.client.ip(*_addresses(), f"link set {DOWN} up")
    router.ip(
        f"address add {address(1, 2, 4)}/24 dev {UP}",
        f"address add {address(1, 2, 6)}/64 dev {UP} nodad",
        f"link set {UP} up",
    )
    chain.client.ip(*_routes(chain))


REFUSALS: dict[str, tuple[Fault, set[int]]] = {
    "link-down": (link_down, {errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH}),
    "no-route": (no_route, {errno.ENETUNREACH, errno.EHOSTUNREACH}),
    "firewall": (firewall, {errno.EPERM}),
    "too-big": (small_mtu, {errno.EMSGSIZE}),
    "interface-anew": (
        interface_made_anew,
        {errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.ENODEV, errno.ENXIO},
    ),
}


def move(chain: Chain) -> None:
    """The client gets other addresses (side 9) in place of its own (side 1)."""
    chain.client.ip(
        f"address delete {address(1, 1, 4)}/24 dev {DOWN}",
        f"address delete {address(1, 1, 6)}/64 dev {DOWN}",
        *_addresses(side=9),
        *_routes(chain),
    )
