"""Translation of a classic command line into options of this program."""

from collections.abc import Sequence

import msgspec

from tui_trace.classic.program import ProgramExit, Request, split_own_options
from tui_trace.core.ip_literals import is_ambiguous
from tui_trace.core.sanitize import sanitize
from tui_trace.names.name_options import NameOptions
from tui_trace.options.command_line import Options
from tui_trace.options.command_line import parse_command_line as parse_own


def parse_classic(program: str, words: Sequence[str]) -> tuple[Request, Options]:
    """Return the request of the command line, and the options that correspond to it.

    With `--tui` the `output` of the options is `LIVE`. Raise `ProgramExit` for an error.
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
    options = parse_own(["-t" if live else "--jsonl", "-4", *lab, "--", request.host])
    pace = msgspec.structs.replace(
        request.pace, sequential=False, next_probe_after=None, rounds=None
    )
    return request, msgspec.structs.replace(
        options,
        settings=request.settings,
        pace=pace if live else request.pace,
        given=request.given,
        naming=_named(options.naming, request.naming, live),
        path_mtu=live and request.path_mtu,
        unprivileged="unprivileged" in ours,
    )


def _named(usual: NameOptions, wanted: NameOptions, live: bool) -> NameOptions:
    """Return the lookups of the program; the live view also looks up AS numbers."""
    if not live:
        return wanted
    asn_source = wanted.asn_source or (usual.asn_source if wanted.names else None)
    return msgspec.structs.replace(wanted, asn_source=asn_source)
