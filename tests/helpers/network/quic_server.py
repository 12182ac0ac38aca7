"""QUIC servers on a node: a real one, and one that answers what no probe asked.

Run as a program: `quic_server PORT [forging]`.
"""

import asyncio
import socket
import sys
from typing import cast

from aioquic.asyncio.server import QuicServer
from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.packet import encode_quic_version_negotiation, pull_quic_header

from tests.helpers.network import tui_trace_process
from tests.helpers.network.netns import Netns

VERSIONS = tuple(QuicConfiguration(is_client=False).supported_versions)


def serve(node: Netns, port: int, *, forging: bool = False) -> None:
    """Let aioquic serve a port of both families until the namespace ends.

    With `forging`, each answer has a bit of the connection IDs wrong, another one in turn.
    """
    words = [sys.executable, "-m", "tests.helpers.network.quic_server", str(port)]
    server = node.popen(
        [*words, *(["forging"] if forging else [])],
        stderr=None,
        env=tui_trace_process.environment(),
    )
    assert server.stdout is not None
    if server.stdout.readline() != b"ready\n":
        raise AssertionError(f"no QUIC on port {port}")


class ForgingServer(asyncio.DatagramProtocol):
    """Answers with the connection IDs of no probe."""

    def __init__(self) -> None:
        self._answers = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Answer one probe."""
        header = pull_quic_header(Buffer(data=data), host_cid_length=8)
        answer = bytearray(
            encode_quic_version_negotiation(
                header.destination_cid, header.source_cid, list(VERSIONS)
            )
        )
        bit = self._answers % 128
        at = 6 + bit // 8 + bit // 64  # the length of the second ID lies between them
        answer[at] ^= 1 << bit % 8
        self._answers += 1
        self._transport.sendto(bytes(answer), addr)


async def main(port: int, *, forging: bool) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    configuration = QuicConfiguration(is_client=False)
    for family, everywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((everywhere, port))
        await loop.create_datagram_endpoint(
            ForgingServer if forging else lambda: QuicServer(configuration=configuration),
            sock=sock,
        )
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), forging="forging" in sys.argv[2:]))
