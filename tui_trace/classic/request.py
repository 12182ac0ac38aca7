"""Translation of a classic command line into options of this program."""

from collections.abc import Mapping, Sequence

import msgspec

from tui_trace.classic.program import ProgramExit, Request, split_own_options
from tui_trace.core.ip_literals import is_ambiguous
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import Pace
from tui_trace.names.name_options import NameOptions
from tui_trace.options.command_line import NO_OPTIONS, Options
from tui_trace.options.command_line import parse_command_line as parse_own
from tui_trace.options.pace import ttl_range

_OF_CONFIG = frozenset(
    {"interval", "first-ttl", "max-ttl", "max-unknown", "queries", "hide", "no-record"}
)
"""Options of the config file that also hold for a program whose probes are its own."""


def parse_classic(
    program: str, words: Sequence[str], config: Mapping[str, object] = NO_OPTIONS
) -> tuple[Request, Options]:
    """Return the request of the command line, and the options that correspond to it.

    With `--tui` the `output` of the options is `LIVE`, and `config` has options of the config file.
    Raise `ProgramExit` for an error.
    """
    from tui_trace.classic import nanog, tcptraceroute

    parse = {tcptraceroute.NAME: tcptraceroute.parse_tcptraceroute, nanog.NAME: nanog.parse_nanog}[
        program
    ]
    theirs, ours = split_own_options(words)
    request = parse(theirs)
    if is_ambiguous(request.host):
        raise ProgramExit(1, request.unknown_host.replace("{}", sanitize(request.host)))
    live = "tui" in ours
    lab = ["--lab", ours["lab"]] if "lab" in ours else []
    usual = {key: value for key, value in config.items() if key in _OF_CONFIG}
    options = parse_own(["-t" if live else "--jsonl", "-4", *lab, "--", request.host], usual)
    return request, msgspec.structs.replace(
        options,
        settings=request.settings,
        pace=_paced(options.pace, request) if live else request.pace,
        naming=_named(options.naming, request.naming, live),
        path_mtu=live and request.path_mtu,
        unprivileged="unprivileged" in ours,
        reads_config="no-config" not in ours,
    )


def _paced(usual: Pace, request: Request) -> Pace:
    """Return the usual pace of the live view with what the program's command line sets."""
    said = {field: getattr(request.pace, field) for field in request.given}
    said["first_ttl"], said["max_ttl"] = ttl_range(
        said.get("first_ttl"), said.get("max_ttl"), usual
    )
    return msgspec.structs.replace(usual, **said)


def _named(usual: NameOptions, wanted: NameOptions, live: bool) -> NameOptions:
    """Return the lookups of the program; the live view also looks up AS numbers."""
    if not live:
        return wanted
    asn_source = wanted.asn_source or (usual.asn_source if wanted.names else None)
    return msgspec.structs.replace(wanted, asn_source=asn_source)
