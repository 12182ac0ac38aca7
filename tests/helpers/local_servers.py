"""Servers of the field on a socket of this machine: DNS by dnspython, whois (RFC 3912), HTTP.

Each runs in a thread of its own, on a port that the kernel picks, and says what it was asked.
"""

import abc
import asyncio
import http.server
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


class Served(abc.ABC):
    """An event loop in a thread, for the time of a `with` block."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        await self.open()
        self._ready.set()
        await self._over.wait()

    @abc.abstractmethod
    async def open(self) -> None:
        """Listen, and set `port`."""


class DnsServer(Served):
    """Authoritative for what it was given, over UDP and TCP, and as bad as it was told to be."""

    FAULTS = (
        "silent",
        "servfail",
        "refused",
        "garbage",
        "truncated",
        "cut",
        "wrong-id",
        "wrong-question",
    )

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self.records: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rrset.RRset] = {}
        self.fault: str | None = None
        """Of every answer; else of the names in `faults`."""
        self.faults: dict[str, str] = {}
        self.delay = 0.0
        self.hold: threading.Event | None = None
        """Nothing is answered before this is set."""
        self.asked: list[tuple[str, str, str]] = []
        """Name, type, `udp` or `tcp`."""
        self.under_way = 0
        self.most_under_way = 0

    def add(self, name: str, ttl: int, kind: str, *texts: str) -> None:
        rrset = dns.rrset.from_text(name, ttl, "IN", kind, *texts)
        self.records[(rrset.name, rrset.rdtype)] = rrset

    def questions(self, kind: str) -> list[str]:
        return [name for name, asked, _ in self.asked if asked == kind]

    async def open(self) -> None:
        self.tcp = await asyncio.start_server(self._stream, self.host, self.port)
        self.port = self.tcp.sockets[0].getsockname()[1]
        server = self

        class Datagrams(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, source: Any) -> None:
                server.loop.create_task(self.answer(data, source))

            async def answer(self, data: bytes, source: Any) -> None:
                for answer in await server.respond(data, "udp"):
                    self.transport.sendto(answer, source)

        await self.loop.create_datagram_endpoint(Datagrams, (self.host, self.port))

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            length = int.from_bytes(await reader.readexactly(2), "big")
            for answer in await self.respond(await reader.readexactly(length), "tcp"):
                writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def respond(self, wire: bytes, transport: str) -> list[bytes]:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append((name, dns.rdatatype.to_text(question.rdtype), transport))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            while self.hold is not None and not self.hold.is_set():
                await asyncio.sleep(0.005)
            await asyncio.sleep(self.delay)
        finally:
            self.under_way -= 1
        return self._wires(query, self.fault or self.faults.get(name), transport)

    def _wires(self, query: dns.message.Message, fault: str | None, transport: str) -> list[bytes]:
        answer = self.answer(query)
        match fault:
            case "silent":
                return []
            case "garbage":
                return [b"", b"\xff", bytes(range(256)), query.id.to_bytes(2, "big") + b"\xff" * 40]
            case "servfail" | "refused":
                failed = dns.message.make_response(query)
                failed.set_rcode(dns.rcode.from_text(fault.upper()))
                return [failed.to_wire()]
            case "cut" if transport == "tcp":
                return []
            case "truncated" | "cut" if transport == "udp":
                short = dns.message.make_response(query)
                short.flags |= dns.flags.TC
                return [short.to_wire()]
            case "wrong-id":
                answer.id ^= 0x5555
                return [answer.to_wire()]
            case "wrong-question":
                other = dns.message.make_query("other.example", query.question[0].rdtype)
                other.id = query.id
                lie = dns.message.make_response(other)
                lie.answer = answer.answer
                return [lie.to_wire()]
        return [answer.to_wire(max_size=65_535)]

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        name, kind = query.question[0].name, query.question[0].rdtype
        while (alias := self.records.get((name, dns.rdatatype.CNAME))) is not None:
            answer.answer.append(alias)
            name = alias[0].target
        found = self.records.get((name, kind))
        if found is not None:
            answer.answer.append(found)
            return answer
        if not any(other.is_subdomain(name) for other, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        zones = [zone for zone, of in self.records if of == dns.rdatatype.SOA]
        around = [zone for zone in zones if name.is_subdomain(zone)]
        if around:
            narrowest = max(around, key=len)
            answer.authority.append(self.records[(narrowest, dns.rdatatype.SOA)])
        return answer


class WhoisServer(Served):
    """Answers one line and closes, unless it was told otherwise."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.talk: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None
        """In place of an answer."""
        self.under_way = 0
        self.most_under_way = 0

    async def open(self) -> None:
        server = await asyncio.start_server(self._stream, self.host, self.port)
        self.port = server.sockets[0].getsockname()[1]

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            line = await reader.readline()
            assert line.endswith(b"\r\n")
            question = line.decode().strip()
            self.asked.append(question)
            if self.talk is not None:
                await self.talk(writer)
            else:
                await asyncio.sleep(0.01)
                writer.write(self.answers.get(question, b"%  No entries found\r\n"))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self.under_way -= 1
            writer.close()


class HttpServer:
    """Gives one JSON document for every path, or what `respond` makes of it."""

    def __init__(self) -> None:
        self.document: Any = {}
        self.asked: list[str] = []
        self.respond: Callable[[http.server.BaseHTTPRequestHandler], None] | None = None
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                if server.respond is not None:
                    server.respond(self)
                    return
                content = json.dumps(server.document).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
