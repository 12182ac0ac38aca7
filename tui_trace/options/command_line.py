"""The command line, read into one frozen `Options`; nothing is opened, resolved or sent here."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui_trace.core.ip_literals import PLAIN_NUMBERS, is_ambiguous
from tui_trace.core.parse_values import parse_confidence, parse_mark, parse_size
from tui_trace.core.settings import Pace, ProbeSettings, SettingError
from tui_trace.core.stream import CONFIDENCE
from tui_trace.names.name_options import AsnSource, NameOptions, parse_asn_source, parse_dns_server
from tui_trace.options.output import Output
from tui_trace.options.pace import given_fields, parse_pace, ttl_range
from tui_trace.options.parser import add_probe, build_parser
from tui_trace.options.probe import parse_probe_settings
from tui_trace.options.targets import Target, check_host, targets_of
from tui_trace.report.mtr_fields import ReportLayout, parse_fields

REPORT_ROUNDS = 10


class Options(msgspec.Struct, frozen=True):
    """The values of the command line."""

    hosts: tuple[str, ...]
    """The targets; none, only in the lab or with `targets_file`: the target of the scenario."""
    targets_file: Path | None
    """File with more targets."""
    resolve_all: bool
    """Each address of a name is a target."""
    words: tuple[str, ...]
    """The command line."""
    settings: ProbeSettings
    """Settings of the probes; the source may be a host name."""
    pace: Pace
    output: Output
    ways: float | None
    """Find every way first, with this probability, 0 to 1; None: do not."""
    confidence: float
    """The same for the key that finds ways."""
    dot: Path | None
    """File for the graph of the ways; None: no file."""
    check: bool
    """The exit status of a report says whether something is wrong."""
    layout: ReportLayout
    """Layout of a report."""
    family: int | None
    """IP version, 4 or 6; None: any that the host has."""
    given: frozenset[str]
    """Names of the fields of `pace` that the command line sets."""
    naming: NameOptions
    icmp_by_name: bool
    """`--icmp` was given, so there is no fallback to UDP."""
    mark: int | None
    """Mark for firewall and routing rules (SO_MARK, socket(7)); None: no mark."""
    completion: str | None
    """Shell whose completion script is printed; None: no script."""
    unprivileged: bool
    """Do not use raw sockets."""
    path_mtu: bool
    """Find the path MTU first (`--mtu`)."""
    largest: int | None
    """Size of `--psize` in bytes; None: not given."""
    lab: str | None
    """Name or file of a scenario, or `list`; None: the real network."""
    record: Path | None
    """File to record to; None: a file in the usual folder, if `recorded`."""
    recorded: bool
    """Record the session; the default for the live view, and for a report with `record`."""
    replay: str | None
    """File or name of a recording to play; None: trace."""
    sessions: bool
    """List the recordings and exit."""

    @property
    def has_several(self) -> bool:
        """Return whether more than one target is, or may be, asked for."""
        return len(self.hosts) > 1 or self.targets_file is not None or self.resolve_all

    @property
    def host(self) -> str | None:
        """Return the first target of the command line; None: it names none."""
        return self.hosts[0] if self.hosts else None

    def targets_in(self, text: str) -> list[Target]:
        """Return the targets of the command line, and those of a file with this text.

        `TargetsError` for a line that names none.
        """
        targets = [Target(host, self.settings) for host in self.hosts]
        if self.targets_file is not None:
            given = build_parser().parse_args(self.words)
            targets += targets_of(text, self.targets_file.name, given, add_probe)
        return targets

    def paced(self, usual: Pace) -> Pace:
        """Return `usual` with the fields that the command line sets; raise `SettingError`."""
        said = {field: getattr(self.pace, field) for field in self.given}
        said["first_ttl"], said["max_ttl"] = ttl_range(
            said.get("first_ttl"), said.get("max_ttl"), usual
        )
        return msgspec.structs.replace(usual, rounds=self.pace.rounds, **said)


def _layout(given: argparse.Namespace) -> ReportLayout:
    about = given.ipinfo
    if about is not None and about not in {"0", "1", "2", "3", "4"}:
        raise SettingError("--ipinfo", about, "0 to 4")
    return ReportLayout(
        fields=ReportLayout().fields if given.order is None else parse_fields(given.order),
        wide=given.wide,
        names=not given.no_dns,
        both=given.show_ips,
        about=None if about is None else int(about),
    )


def parse_command_line(arguments: Sequence[str]) -> Options:
    """Return the options; raise `SettingError` for a wrong value, `SystemExit` for help."""
    parser = build_parser()
    given = parser.parse_args(arguments)
    if given.replay is not None:
        for name, other in (
            ("HOST", given.host),
            ("--targets", given.targets),
            ("--lab", given.lab),
            ("--record", given.record),
        ):
            if other:
                parser.error(f"--replay plays a recording and does not go with {name}")
    elif not (given.sessions or given.completion or given.lab or given.targets) and not given.host:
        parser.error("no HOST was given; --help shows the options")
    if any(not host.strip() for host in given.host):
        parser.error("HOST is empty; --help shows the options")
    _check_several(parser, given)
    _check_ways(parser, given)
    if given.check and given.output is Output.LIVE:
        parser.error("--check is the exit status of a report: add -r, -w, -j, -C or another one")
    for host in given.host:
        check_host(host)
    if given.address is not None and is_ambiguous(given.address):
        raise SettingError("--address", given.address, PLAIN_NUMBERS)
    confidence = CONFIDENCE if given.confidence is None else parse_confidence(given.confidence)
    return Options(
        hosts=tuple(given.host),
        targets_file=None if given.targets is None else Path(given.targets),
        resolve_all=given.resolve_all,
        words=tuple(arguments),
        settings=parse_probe_settings(given),
        pace=parse_pace(given, _usual_rounds(given.output)),
        output=given.output,
        ways=confidence if given.ways or given.dot else None,
        confidence=confidence,
        dot=None if given.dot is None else Path(given.dot),
        check=given.check,
        layout=_layout(given),
        family=4 if given.four else 6 if given.six else None,
        naming=_naming(given),
        icmp_by_name=given.icmp,
        path_mtu=given.mtu,
        largest=None if given.psize is None else parse_size(given.psize),
        mark=None if given.mark is None else parse_mark(given.mark),
        completion=given.completion,
        unprivileged=given.unprivileged,
        lab=given.lab,
        record=None if given.record is None else Path(given.record),
        recorded=given.record is not None or (given.output is Output.LIVE and not given.no_record),
        replay=given.replay,
        sessions=given.sessions,
        given=given_fields(given),
    )


def _check_several(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Refuse what does not go with several targets; exits."""
    if len(given.host) < 2 and not given.targets and not given.resolve_all:
        return
    for name, other in (("--dot", given.dot), ("--protocol", given.protocol)):
        if other:
            parser.error(f"{name} takes one target")


def _check_ways(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Refuse what does not go with a search for ways; exits."""
    wanted = "--ways" if given.ways else "--dot" if given.dot is not None else None
    if given.dot is not None and given.output is Output.LIVE:
        parser.error("--dot writes the ways of a report: add -r, -w, -j, -C or another one")
    if wanted and given.replay is None:
        for name, other in (("--mtu", given.mtu), ("--sequential", given.sequential)):
            if other:
                parser.error(f"{wanted} finds all ways at once and does not go with {name}")


def _usual_rounds(output: Output) -> int | None:
    return None if output in (Output.LIVE, Output.JSON_LINES) else REPORT_ROUNDS


def _naming(given: argparse.Namespace) -> NameOptions:
    source = parse_asn_source(given.asn_source) if given.asn_source else AsnSource.CYMRU
    unasked = given.output is Output.LIVE and not given.no_dns
    wanted = given.ipinfo is not None or given.asn_source is not None or unasked
    return NameOptions(
        names=not given.no_dns,
        private=not given.no_private_names,
        asn_source=source if wanted else None,
        owner=given.owner,
        server=parse_dns_server(given.dns_server) if given.dns_server else None,
    )
