"""The parts of the lines of `traceroute-nanog`."""

from typing import TextIO

import msgspec

from tui_trace.classic.name_wait import NameWait
from tui_trace.core.events import SessionBegan
from tui_trace.core.sanitize import sanitize
from tui_trace.session.host_labels import host_label


class NanogStyle(msgspec.Struct, frozen=True):
    """The options that change the format of the lines."""

    end: str = "\n"
    """End of each line (`-T`)."""
    numeric: bool = False
    asn: bool = False
    owner: bool = False
    microseconds: bool = False


class NanogWriter:
    """Writes hops to standard output, part by part, and all other lines to standard error."""

    def __init__(self, output: TextIO, errors: TextIO, hosts: NameWait, style: NanogStyle) -> None:
        """Write to these two streams; `hosts` knows the names."""
        self.hosts = hosts
        self.style = style
        self._output = output
        self._errors = errors

    def header(
        self, began: SessionBegan, source: str | None, max_ttl: int, size: int | None
    ) -> None:
        """Write the first line; `size` is in bytes, None while the path MTU is being found."""
        origin = f" from {source}" if source else ""
        length = f", {size} byte packets" if size is not None else ""
        host = f"{sanitize(began.target)} ({began.address})"
        self.error(f"traceroute to {host}{origin}, {max_ttl} hops max{length}")

    def error(self, line: str) -> None:
        """Write a line to standard error."""
        self._errors.write(f"{line}{self.style.end}")
        self._errors.flush()

    def write(self, text: str) -> None:
        """Write text to standard output and flush it."""
        self._output.write(text)
        self._output.flush()

    def host(self, address: str) -> str:
        """Return name and address of a host, with AS number and owner if these are wanted."""
        style = self.style
        if style.numeric and not style.asn and not style.owner:
            return f" {address}"
        who = self.hosts.who(address)
        # this program writes the address twice where no name is known
        parts = [
            f" {address}" if style.numeric else f" {host_label(address, who.dns_name)} ({address})"
        ]
        if style.asn:
            parts.append(f" [{who.asn or 'NONE'}]")
        if style.owner:
            parts.append(f" {sanitize(who.owner) if who.owner else 'no SOA record'}")
        return "".join(parts)

    def time(self, ms: float) -> str:
        """Return an RTT of `ms` milliseconds as text."""
        return f"  {ms:.3f} ms" if self.style.microseconds else f"  {int(ms + 0.5)} ms"
