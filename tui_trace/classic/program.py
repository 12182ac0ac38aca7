"""The request of a classic command line, common to both programs."""

import socket
from collections.abc import Callable, Iterable
from typing import Protocol, TextIO, TypeAlias, TypeVar

import msgspec

from tui_trace.classic.name_wait import NameWait
from tui_trace.core.events import Event
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import Pace, ProbeSettings, minimum_size
from tui_trace.core.stream import Command, SourceError
from tui_trace.names.name_options import NameOptions


class ProgramExit(Exception):  # noqa: N818
    """The program ends with this exit code and these texts."""

    def __init__(self, code: int, error: str = "", output: str = "") -> None:
        """Write `error` to standard error and `output` to standard output."""
        self.code = code
        self.error = error
        self.output = output
        super().__init__(error)


class Printer(Protocol):
    """Prints the lines of a program."""

    over: bool
    """True when no more lines will be printed; the source may stop."""
    code: int
    """The exit code, valid when `over` is true."""

    def event(self, event: Event) -> None:
        """Process the next event and print what it completes."""
        ...


SendCommand: TypeAlias = Callable[[Command], None]


PrinterFactory: TypeAlias = Callable[[TextIO, TextIO, NameWait, SendCommand], Printer]
"""Make a printer from standard output, standard error, host names and a call for commands."""


Resolve: TypeAlias = Callable[[str, int | None], tuple[str, int]]


_Found = TypeVar("_Found")


class Request(msgspec.Struct, frozen=True):
    """What to trace, and how to print it."""

    program: str
    host: str
    settings: ProbeSettings
    pace: Pace
    """The pace of the line output."""
    given: frozenset[str]
    """Fields of the pace that the command line sets, also for the live view."""
    naming: NameOptions
    path_mtu: bool
    asks_about: Callable[[str], bool]
    """Whether an address may be looked up."""
    unknown_host: str
    """Error for a host without an address; `{}` is replaced by its name."""
    unknown_source: str
    """Error for an unknown source address."""
    unknown_device: str
    """Error for an unknown interface."""
    printer: PrinterFactory

    def without_rights(self) -> "Request":
        """Return the request with a SYN as connect(2) sends it, in place of one without options."""
        settings = self.settings
        if not settings.no_tcp_options:
            return self
        size = settings.size
        if size == minimum_size(settings.protocol, 4, no_tcp_options=True):
            size = minimum_size(settings.protocol, 4)
        return msgspec.structs.replace(
            self, settings=msgspec.structs.replace(settings, no_tcp_options=False, size=size)
        )

    def find(self, resolve: Resolve, find: Callable[[str, ProbeSettings], _Found]) -> _Found:
        """Return the target of `find`; raise `ProgramExit` if a host or interface is unknown."""
        asked = [(self.host, self.unknown_host)]
        if self.settings.source is not None:
            asked.append((self.settings.source, self.unknown_source))
        for host, line in asked:
            try:
                resolve(host, 4)
            except SourceError:
                raise ProgramExit(1, line.replace("{}", sanitize(host))) from None
        device = self.settings.interface
        try:
            if device is not None:
                socket.if_nametoindex(device)
        except OSError:
            raise ProgramExit(
                1, self.unknown_device.replace("{}", sanitize(device or ""))
            ) from None
        return find(self.host, self.settings)


def split_own_options(words: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Separate `--tui`, `--unprivileged`, `--no-config` and `--lab SCENARIO` from the others."""
    theirs: list[str] = []
    ours: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word == "--":
            theirs += [word, *rest]
        elif word in ("--tui", "--unprivileged", "--no-config"):
            ours[word[2:]] = ""
        elif word == "--lab" or word.startswith("--lab="):
            ours["lab"] = word[6:] if "=" in word else next(rest, "")
        else:
            theirs.append(word)
    return theirs, ours
