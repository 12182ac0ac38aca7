"""Whois (RFC 3912), and AS numbers from a Routing Assets Database by it."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable

from tui_trace.core.events import AsnFound
from tui_trace.names.addresses import Address
from tui_trace.names.name_options import Radb
from tui_trace.names.prefixes import Announced, asn, most_specific, parse_network

LONGEST = 256 * 1024
"""Bytes of an answer; more is no answer."""
MOST_LINES = 4096
"""Lines of an answer that are read."""
LONGEST_LINE = 1024
"""Bytes of a line that are read."""
HELD = 24 * 3600
"""Seconds that an answer holds; whois says nothing about it."""
WHOIS_PORT = 43


class WhoisError(Exception):
    """The server cannot be asked, or what it says is no answer."""


async def query(server: str, port: int, question: str) -> str:
    """The answer of a server, named by address and as slow as it likes, by `decode_answer`.

    `OSError` if it cannot be reached, `WhoisError` if it sends too much.
    """
    reader, writer = await asyncio.open_connection(server, port)
    try:
        writer.write(question.encode() + b"\r\n")
        answer = bytearray()
        while block := await reader.read(4096):
            answer += block
            if len(answer) > LONGEST:
                raise WhoisError(f"whois server {server} sends too much data")
        return decode_answer(bytes(answer))
    finally:
        writer.transport.abort()


def decode_answer(answer: bytes) -> str:
    """The first `MOST_LINES` lines, each cut at `LONGEST_LINE` bytes; any bytes are taken.

    Port 43 is clear text that anybody on the way can write, and every reader's work grows with
    what it is given. A line that is no UTF-8 is Latin-1, which several registries still speak.
    """
    return "\n".join(
        _decoded(line[:LONGEST_LINE].rstrip(b"\r"))
        for line in answer.split(b"\n", MOST_LINES)[:MOST_LINES]
    )


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def service_port(service: str) -> int:
    """The TCP port that a name or a number means; `WhoisError`."""
    text = service.strip()
    if text.isascii() and text.isdecimal():
        port = int(text)
    else:
        try:
            port = socket.getservbyname(text, "tcp")
        except (OSError, ValueError):
            port = WHOIS_PORT if text == "whois" else 0
    if not 1 <= port <= 65_535:
        raise WhoisError(f"RA_SERVICE: {service[:40]!r} is not a TCP port")
    return port


def origin_in(answer: str, address: Address, radb: Radb) -> AsnFound:
    """The most specific subnet of the answer around the address, and all who announce it."""
    route = (radb.route or ("route:" if address.version == 4 else "route6:")).lower()
    data = radb.data.lower()
    candidates: list[Announced] = []
    origins: list[int] = []
    for line in answer.splitlines():
        lower = line.lower()
        if lower.startswith(route):
            origins = []
            prefix = parse_network(line[len(route) :], radb.prefix)
            if prefix is not None:
                candidates.append((prefix, origins))
        elif lower.startswith(data):
            words = line[len(data) :].split()
            number = asn(words[0]) if words else None
            if number is not None:
                origins.append(number)
    prefix, asns = most_specific(candidates, address)
    return AsnFound(0, str(address), tuple(asns), str(prefix) if prefix else "")


async def origin(
    radb: Radb, locate: Callable[[str], Awaitable[tuple[str, ...]]], address: Address
) -> AsyncGenerator[tuple[AsnFound, int], None]:
    """Origin by whois; `locate` turns the server's name into addresses, which are tried in turn."""
    port = service_port(radb.service)
    failure: OSError | WhoisError = WhoisError(f"whois server {radb.server} has no address")
    for server in await locate(radb.server):
        try:
            answer = await query(server, port, str(address))
        except OSError as refusal:
            failure = refusal
            continue
        yield origin_in(answer, address, radb), HELD
        return
    raise failure
