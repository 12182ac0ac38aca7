"""What another program's command line asks for, whichever program that is."""

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


class Stop(Exception):  # noqa: N818
    """The program ends here, with this code and these texts."""

    def __init__(self, code: int, error: str = "", output: str = "") -> None:
        """`error` for standard error, `output` for standard output."""
        self.code = code
        self.error = error
        self.output = output
        super().__init__(error)


class Printer(Protocol):
    """Makes the program's lines."""

    over: bool
    """Nothing more will be printed; the source may stop."""
    code: int
    """The exit code, once it is over."""

    def event(self, event: Event) -> None:
        """Take the next event, and print what can be."""
        ...


Tell: TypeAlias = Callable[[Command], None]


MakePrinter: TypeAlias = Callable[[TextIO, TextIO, NameWait, Tell], Printer]
"""Of standard output, standard error, what is known of hosts, and how to tell the source."""


Resolve: TypeAlias = Callable[[str, int | None], tuple[str, int]]


_Found = TypeVar("_Found")


class Request(msgspec.Struct, frozen=True):
    """A trace, and how it is printed."""

    program: str
    host: str
    settings: ProbeSettings
    pace: Pace
    """Of the line output."""
    given: frozenset[str]
    """Fields of the pace that the command line sets, and the live view keeps."""
    naming: NameOptions
    path_mtu: bool
    asks_about: Callable[[str], bool]
    """Which addresses may be asked about."""
    unknown_host: str
    """The line for a host that has no address, with `{}` in the place of its name."""
    unknown_source: str
    """The same for a source address."""
    unknown_device: str
    """The same for an interface."""
    printer: MakePrinter

    def without_rights(self) -> "Request":
        """The same with a SYN as connect(2) sends it, where a bare one was meant."""
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
        """The target as `find` gives it; `Stop` in the program's words if a host is unknown."""
        asked = [(self.host, self.unknown_host)]
        if self.settings.source is not None:
            asked.append((self.settings.source, self.unknown_source))
        for host, line in asked:
            try:
                resolve(host, 4)
            except SourceError:
                raise Stop(1, line.replace("{}", sanitize(host))) from None
        device = self.settings.interface
        try:
            if device is not None:
                socket.if_nametoindex(device)
        except OSError:
            raise Stop(1, self.unknown_device.replace("{}", sanitize(device or ""))) from None
        return find(self.host, self.settings)


def take_ours(words: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The words without what is ours among them: `--tui`, `--unprivileged`, `--lab SCENARIO`."""
    theirs: list[str] = []
    ours: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word == "--":
            theirs += [word, *rest]
        elif word in ("--tui", "--unprivileged"):
            ours[word[2:]] = ""
        elif word == "--lab" or word.startswith("--lab="):
            ours["lab"] = word[6:] if "=" in word else next(rest, "")
        else:
            theirs.append(word)
    return theirs, ours
