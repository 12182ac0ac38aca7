"""What a classic command line asks for, in our own terms."""

from collections.abc import Sequence

import msgspec

from tui_trace.classic.program import Request, take_ours
from tui_trace.names.name_options import NameOptions
from tui_trace.options.command_line import Options
from tui_trace.options.command_line import parse_command_line as parse_own


def parse_for(program: str, words: Sequence[str]) -> tuple[Request, Options]:
    """What the program's command line asks for, and the same as options of ours; `Stop`.

    Their `output` is `LIVE` for `--tui`, whose pace has what the command line says.
    """
    from tui_trace.classic import nanog, tcptraceroute

    parse = {tcptraceroute.NAME: tcptraceroute.parse_tcptraceroute, nanog.NAME: nanog.parse_nanog}[
        program
    ]
    theirs, ours = take_ours(words)
    request = parse(theirs)
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
    """In the live view AS numbers stand anyway; else the program's options alone count."""
    if not live:
        return wanted
    asn_source = wanted.asn_source or (usual.asn_source if wanted.names else None)
    return msgspec.structs.replace(wanted, asn_source=asn_source)
