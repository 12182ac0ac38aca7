"""Whois (RFC 3912), and AS numbers from a Routing Assets Database by whois."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable

from tui_trace.core.events import AsnFound
from tui_trace.names.addresses import Address
from tui_trace.names.name_options import Radb
from tui_trace.names.prefixes import Announced, most_specific, parse_asn, parse_network

MAX_BYTES = 256 * 1024
"""Largest answer in bytes; a larger one is an error."""
MAX_LINES = 4096
"""Number of lines of an answer that are read."""
MAX_LINE_BYTES = 1024
"""Number of bytes of a line that are read."""
TTL = 24 * 3600
"""Seconds that an answer is valid; whois itself has no TTL."""
WHOIS_PORT = 43


class WhoisError(Exception):
    """The server cannot be queried, or its answer is invalid."""


async def query(server: str, port: int, question: str) -> str:
    """Return the decoded answer of the server at this address; there is no timeout.

    Raise `OSError` if it cannot be reached, and `WhoisError` if it sends too much.
    """
    reader, writer = await asyncio.open_connection(server, port)
    try:
        writer.write(question.encode() + b"\r\n")
        answer = bytearray()
        while block := await reader.read(4096):
            answer += block
            if len(answer) > MAX_BYTES:
                raise WhoisError(f"whois server {server} sends too much data")
        return decode_answer(bytes(answer))
    finally:
        writer.transport.abort()


def decode_answer(answer: bytes) -> str:
    """Return the first `MAX_LINES` lines as text, each cut at `MAX_LINE_BYTES` bytes.

    Whois is clear text that anybody on the path can change, so its size is bounded. A line that is
    not UTF-8 is read as Latin-1, which several registries still use.
    """
    return "\n".join(
        _decoded(line[:MAX_LINE_BYTES].rstrip(b"\r"))
        for line in answer.split(b"\n", MAX_LINES)[:MAX_LINES]
    )


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def service_port(service: str) -> int:
    """Return the TCP port of a service name or number; raise `WhoisError` if there is none."""
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


def parse_origin(answer: str, address: Address, radb: Radb) -> AsnFound:
    """Return the most specific prefix of the answer, and the ASes that announce it."""
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
            number = parse_asn(words[0]) if words else None
            if number is not None:
                origins.append(number)
    prefix, asns = most_specific(candidates, address)
    return AsnFound(0, str(address), tuple(asns), str(prefix) if prefix else "")


async def look_up_radb_origin(
    radb: Radb, locate: Callable[[str], Awaitable[tuple[str, ...]]], address: Address
) -> AsyncGenerator[tuple[AsnFound, int], None]:
    """Yield the origin AS by whois.

    `locate` returns the addresses of the server, which are tried in turn. Raise `WhoisError` or
    `OSError` if none of them answers.
    """
    port = service_port(radb.service)
    failure: OSError | WhoisError = WhoisError(f"whois server {radb.server} has no address")
    for server in await locate(radb.server):
        try:
            answer = await query(server, port, str(address))
        except OSError as refusal:
            failure = refusal
            continue
        yield parse_origin(answer, address, radb), TTL
        return
    raise failure
