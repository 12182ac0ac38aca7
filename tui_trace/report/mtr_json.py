"""`-j`: the JSON of mtr 0.95, the same keys and nesting, ours only added. Of several
targets a list of such objects.

Added to `report`: `findings`, what is so now, the worst first, and `episodes`, what was and is so,
in the order of their beginnings. Each has its `kind`, `hop` (a TTL, or null) and `address`, whether
the target suffers (`harm`), how `sure` it is (`certain` or `likely`), `since` and `until` (RFC
3339; null: it lasts), its `evidence` (numbers by name), `text`, `next` (what would settle it, or
null) and the `run` that it is about (null: all).

`ways`, after a search for all ways: its `nodes` (`hop`, and `address` or null for one that does not
answer), the `links` between them, and the `flows`, each with its `source_port` and the `path` that
it takes (null: unknown; empty: no answer). `confidence` is the probability that nothing is missed,
`probes` the number that it took, `end` why it is over (`complete`, `budget`, `stopped`, null), and
`text` says it in sentences.

`path_mtu`, after a search for it (`M`): the `time` of its end, `end` (`complete`, `stopped`,
`silent`, `all-large`, `failed`), the `mtu` in bytes (null: not known), what becomes of larger
packets (`limit`: `reported` or `guessed`, a router refuses them, with or without its MTU;
`black-hole`; `interface`; null: none were tried), the hops between which (`near_hop`,
`near_address`, `far_hop`, `far_address`), `refused_by`, the `last_hop` that it holds for, whether
that is the target (`reached`), the number of `probes`, and `text`.

`together` is what this session and those beside it say together: the `kind` (`meeting-point`, where
the paths of the targets that suffer meet, or `vantages`, from where a target suffers), the `target`
(empty: all), `text`, and the `evidence` of a meeting point.

`tui_trace` is what mtr does not say of the run, whose number is its `run`. Its `vantage` is the
host that probes leave from, or null if that is this one. Its `runs` are all those of the session
(null where they were not kept), each with its `number`, `probe`, `egress`, `rounds`, whether it
`reached` the target, and the numbers of those that it took turns with (`turns_with`). `egress` is
how its probes leave this machine: `source`, `interface`, `gateway` (empty: the target is on the
link) and `mtu` in bytes; or null. Its `notes` are the user's own, each with the `time` it is about
and the same as `at_s`, seconds since the session began. With `--report-since` or `--until` it has
the `stretch` that all figures are of (`since`, `until`), and each episode says whether it
`began_before` it and `goes_on_after` it. In an export of the last minute, `window_s` is of how many
seconds the hubs' figures are.

Added to each hub, behind the columns asked for: `addresses` (latest first), `late`, `duplicates`,
`repeats` (SYN/ACKs that the target sent again), `pending`, `user_stamped` (answers whose RTT rests
on a stamp that the kernel did not take), `marks`, `reached` (it is the target), `hops_back` (over
how many hops its last answer came back, by the TTL that it had left; or null), and `jitter_ms`,
`p50_ms`, `p90_ms`, `p99_ms`, which are null where there are too few answers. RTTs are in ms. Of the
lost probes, `refused` met an ICMP error, the last one from `refused_by` (or null); `given_up` were
given up by the local kernel, whose `reason` stands there as long as it lasts (or null). `locations`
is there where files of the user's say where an address is: its `address`, `city`, `country`, the
`database` that says so, and the `exchange` whose network it is in (empty: not known).
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from tui_trace.core.quic_versions import version_name
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.report.finding_lines import (
    episode_object,
    finding_object,
    path_mtu_object,
    stretch_object,
)
from tui_trace.report.formatting import (
    all_ip_info,
    hostname,
    hosts,
    known_addresses,
    time_of,
)
from tui_trace.report.hop_columns import COLUMNS
from tui_trace.report.hop_notes import local_reason
from tui_trace.report.mtr_fields import ReportLayout, chosen, exact
from tui_trace.report.owner_lines import owners_of
from tui_trace.report.way_report import way_object
from tui_trace.session.data_warnings import all_warnings
from tui_trace.session.hops_back import hops_back
from tui_trace.session.snapshot import UNKNOWN_HOST, Hop, Run, Snapshot


def render_json(snapshot: Snapshot, layout: ReportLayout, runs: Sequence[Run] = ()) -> str:
    """Return the run in force as one JSON object, with an outline of the other `runs`."""
    run = snapshot.run
    known = runs or ([] if snapshot.earlier else [run])
    rounds = snapshot.pace.rounds
    ways = way_object(snapshot.ways)
    path_mtu = path_mtu_object(snapshot)
    report = {
        "mtr": {
            "src": hostname(snapshot),
            "dst": sanitize(snapshot.target),
            "tos": run.settings.tos,
            "tests": run.rounds if rounds is None else rounds,
            "psize": str(run.settings.size),
            "bitpattern": f"0x{run.settings.payload_byte:02X}",
        },
        "hubs": [_hub(snapshot, hop, layout) for hop in run.hops],
        "findings": [finding_object(snapshot, finding) for finding in snapshot.findings],
        "episodes": [episode_object(snapshot, episode) for episode in snapshot.episodes],
        **({} if ways is None else {"ways": ways}),
        **({} if path_mtu is None else {"path_mtu": path_mtu}),
        **({"together": _together(snapshot)} if snapshot.together else {}),
        "tui_trace": {
            "version": sanitize(snapshot.version),
            "address": sanitize(snapshot.address),
            "vantage": sanitize(snapshot.vantage) or None,
            "source": sanitize(snapshot.source),
            "start": time_of(snapshot, snapshot.began).isoformat() if snapshot.wall else None,
            **({} if snapshot.stretch is None else {"stretch": stretch_object(snapshot)}),
            **({} if snapshot.window is None else {"window_s": snapshot.window / NS_PER_S}),
            "probe": msgspec.to_builtins(run.settings),
            "egress": _egress(run),
            "run": run.number,
            "rounds": run.rounds,
            "reached": run.reached,
            "runs": [_outline(one) for one in known] or None,
            "foreign": snapshot.foreign,
            "troubles": all_warnings(snapshot),
            "notes": [
                {
                    "time": time_of(snapshot, note.at).isoformat(),
                    "at_s": round(note.at / NS_PER_S, 3),
                    "text": sanitize(note.text),
                }
                for note in snapshot.timeline.notes
            ],
        },
    }
    return json.dumps({"report": report}, indent=4) + "\n"


def _together(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [
        {
            "kind": one.kind.value,
            "target": sanitize(one.target),
            "text": one.text,
            "evidence": dict(one.evidence),
        }
        for one in snapshot.together
    ]


def _outline(run: Run) -> dict[str, Any]:
    return {
        "number": run.number,
        "probe": msgspec.to_builtins(run.settings),
        "egress": _egress(run),
        "rounds": run.rounds,
        "reached": run.reached,
        "turns_with": list(run.turns_with),
    }


def _egress(run: Run) -> dict[str, Any] | None:
    way = run.egress
    if way is None:
        return None
    return {
        "source": sanitize(way.source),
        "interface": sanitize(way.interface),
        "gateway": sanitize(way.gateway),
        "mtu": way.mtu,
    }


def _hub(snapshot: Snapshot, hop: Hop, layout: ReportLayout) -> dict[str, Any]:
    asn = {"ASN": all_ip_info(snapshot, hop, 0)[0]} if layout.about == 0 else {}
    return {
        "count": hop.ttl,
        "host": hosts(snapshot, hop, layout)[0],
        **asn,
        **{field.title: exact(field, hop, 3) for field in chosen(layout)},
        "addresses": known_addresses(hop),
        "owners": owners_of(snapshot, hop),
        "late": hop.late,
        "duplicates": hop.duplicates,
        "repeats": hop.repeats,
        "refused": hop.refused,
        "refused_by": sanitize(hop.refuser) or None,
        "given_up": hop.given_up,
        "reason": next(iter(local_reason(hop)), None),
        "pending": hop.pending,
        "user_stamped": hop.user_stamped,
        "marks": [sanitize(mark) for mark in hop.marks],
        "received": [sanitize(words) for words in hop.received],
        "quic_versions": [version_name(version) for version in hop.versions],
        **_locations(snapshot, hop),
        "mpls": [msgspec.to_builtins(label) for label in hop.labels],
        "reached": hop.is_target,
        "hops_back": hops_back(hop.reply_ttl, hop.ttl),
        **{
            column.json_key: _ms(column.value(hop))
            for column in COLUMNS.values()
            if column.json_key and column.value is not None
        },
    }


def _locations(snapshot: Snapshot, hop: Hop) -> dict[str, Any]:
    known = (snapshot.who.get(one.address, UNKNOWN_HOST).located for one in hop.responders)
    found = [
        {
            "address": sanitize(where.address),
            "city": sanitize(where.city),
            "country": sanitize(where.country),
            "database": sanitize(where.database),
            "exchange": sanitize(where.exchange),
        }
        for where in known
        if where is not None
    ]
    return {"locations": found} if found else {}


def _ms(ns: float | None) -> float | None:
    return None if ns is None else round(ns / NS_PER_MS, 3)
