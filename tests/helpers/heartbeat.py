"""A look-up in a process of its own, beside a thread that beats: does anything stand still?

`python -m tests.helpers.heartbeat whois|radb|rdap|dns < ANSWER` puts the answer on a server of this
machine, asks it as the program would, and prints JSON: the seconds that the look-up took, the
longest between two beats, and what was found out. In a process, because what holds the
interpreter's lock holds up whoever would end it, too.
"""

import asyncio
import ipaddress
import json
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, NamedTuple

import msgspec

from tests.helpers import local_servers
from tests.helpers.places import ROOT
from tests.helpers.registry_handlers import ToLocal, ToNobody
from tui_trace.names import DnsServer, Radb, dns_lookups, rdap, whois
from tui_trace.names.resolver import Resolver, UnansweredError

ADDRESS = ipaddress.ip_address("9.9.9.9")
"""Only ever a word in questions to servers on this machine."""
BEAT = 0.01


class Heard(NamedTuple):
    """What the process said."""

    seconds: float
    gap: float
    found: dict[str, Any]


def listen(kind: str, answer: bytes, patience: float = 60) -> Heard:
    """Run it; `subprocess.TimeoutExpired` after `patience` seconds."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.heartbeat", kind],
        input=answer,
        stdout=subprocess.PIPE,
        timeout=patience,
        check=True,
        cwd=ROOT,
    )
    return Heard(**json.loads(done.stdout))


async def _here(_host: str) -> tuple[str, ...]:
    return ("127.0.0.1",)


async def _by_whois(answer: bytes) -> Any:
    with local_servers.WhoisServer() as server:
        server.answers[str(ADDRESS)] = answer
        return await rdap.look_up_record_by_whois(ADDRESS, "ripencc", _here, server.port)


async def _by_radb(answer: bytes) -> Any:
    with local_servers.WhoisServer() as server:
        server.answers[str(ADDRESS)] = answer
        radb = Radb(server="127.0.0.1", service=str(server.port))
        async with aclosing(whois.look_up_radb_origin(radb, _here, ADDRESS)) as found:
            return (await anext(found))[0]


async def _by_rdap(answer: bytes) -> Any:
    def respond(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(answer)

    with local_servers.HttpServer() as web, local_servers.WhoisServer() as server:
        web.respond = respond
        handlers = [ToLocal(web.port), ToNobody()]
        return await rdap.look_up_record(ADDRESS, "arin", _here, handlers, server.port)


async def _by_dns(answer: bytes) -> Any:
    class Server(local_servers.DnsServer):
        async def respond(self, wire: bytes, transport: str) -> list[bytes]:
            if transport == "udp" and len(answer) > 60_000:
                await super().respond(wire, transport)
                return [wire[:2] + b"\x82\x00" + wire[4:]]  # truncated: ask by TCP
            return [wire[:2] + answer[2:]]

    with local_servers.DnsServer() if not answer else Server() as server:
        resolver = Resolver(DnsServer(server.host, server.port))
        try:
            async with aclosing(dns_lookups.look_up_names(resolver, None, ADDRESS)) as found:
                return (await anext(found))[0]
        except UnansweredError as error:
            return {"error": str(error)}


KINDS: dict[str, Callable[[bytes], Awaitable[Any]]] = {
    "whois": _by_whois,
    "radb": _by_radb,
    "rdap": _by_rdap,
    "dns": _by_dns,
}


def _main(kind: str, answer: bytes) -> None:
    gaps = [0.0]
    over = threading.Event()

    def beat() -> None:
        before = time.monotonic()
        while not over.wait(BEAT):
            now = time.monotonic()
            gaps.append(now - before)
            before = now

    async def ask() -> Any:
        return await KINDS[kind](answer)

    heart = threading.Thread(target=beat)
    began = time.monotonic()
    heart.start()
    found = asyncio.run(ask())
    seconds = time.monotonic() - began
    over.set()
    heart.join()
    heard = {"seconds": seconds, "gap": max(gaps), "found": msgspec.to_builtins(found)}
    print(json.dumps(heard))


if __name__ == "__main__":
    _main(sys.argv[1], sys.stdin.buffer.read())
