"""The networks of several targets, waited for together."""

import select
from typing import Generic

from tui_trace.wire.network import Network, ProbeT, Received


class NetworkGroup(Generic[ProbeT]):
    """Networks of which any number may share their sockets (`Network.wire`)."""

    def __init__(self) -> None:
        """Begin without a network."""
        self._networks: list[Network[ProbeT]] = []

    def add(self, network: Network[ProbeT]) -> None:
        """Wait for this one, too."""
        self._networks.append(network)

    def remove(self, network: Network[ProbeT]) -> None:
        """Wait for it no more; without effect if it was not added."""
        if network in self._networks:
            self._networks.remove(network)

    def wake(self) -> None:
        """End a `receive` early; thread-safe."""
        for network in self._networks[:1]:
            network.wake()

    def receive(
        self, timeout: int, *, wake_on_reply: bool = True
    ) -> list[tuple[Network[ProbeT], Received[ProbeT]]]:
        """Wait at most `timeout` ns, and return what came for whom. See `Network.receive`."""
        if len(self._networks) == 1:
            (only,) = self._networks
            return [(only, only.receive(timeout, wake_on_reply=wake_on_reply))]
        # one speaks for all that share a wire
        speakers = {network.wire: network for network in self._networks}.values()
        poll = select.poll()
        for network in speakers:
            for handle in network.handles(wake_on_reply=wake_on_reply):
                poll.register(handle, select.POLLIN)
        poll.poll(-(-timeout // 1_000_000))
        return [found for network in speakers for found in network.collect()]
