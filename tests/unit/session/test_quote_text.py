"""What a hop received, as marks and in words."""

import pytest

from tui_trace.core import events as ev
from tui_trace.core.events import Change, Interface, MplsLabel, ReplyKind, RewrittenField, Stamp
from tui_trace.core.settings import DnatMode, Pace, ProbeSettings, Protocol, TcpFlags
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Hop

TO = Change(RewrittenField.DESTINATION, "203.0.113.9", "198.51.100.80")
TO_PORT = Change(RewrittenField.DESTINATION_PORT, 80, 8080)
MSS = Change(RewrittenField.MSS, 1460, 1360)
STACK = (MplsLabel(24102, 0, False, 2), MplsLabel(16007, 5, True, 1))


def hop_of(*replies: ev.Reply, family: int = 4, **settings: object) -> Hop:
    session = Session()
    session.apply(
        ev.SessionBegan(
            at=0, wall=0, target="t", address="203.0.113.9", family=family, source="s", version=""
        )
    )
    session.apply(ev.PaceSet(at=0, pace=Pace()))
    session.apply(ev.RunOpened(at=0, run=1, settings=ProbeSettings(**settings)))
    for reply in replies:
        session.apply(ev.ProbeSent(at=1, run=1, probe=reply.probe, ttl=1))
        session.apply(reply)
    before = session.snapshot().run.hops[0]
    after = Session.from_checkpoint(session.checkpoint()).snapshot().run.hops[0]
    assert before == after
    return before


def reply(probe: int = 1, kind: ReplyKind = ReplyKind.TIME_EXCEEDED, **fields: object) -> ev.Reply:
    if kind in (ReplyKind.TIME_EXCEEDED, ReplyKind.UNREACHABLE):
        fields = {"quoted_tos": 0, "quoted_ttl": 1, "reply_ttl": 250, **fields}
    return ev.Reply(
        at=2, run=1, probe=probe, ttl=1, address="198.51.100.1", kind=kind, rtt=1000,
        sent_stamp=Stamp.KERNEL, received_stamp=Stamp.KERNEL, **fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "settings", "marks"),
    [
        ({"changed": (TO,)}, {}, ("NAT",)),
        ({"changed": (TO,)}, {"dnat": DnatMode.SHOW}, ("NAT to 198.51.100.80",)),
        ({"changed": (TO, TO_PORT)}, {"dnat": DnatMode.SHOW}, ("NAT to 198.51.100.80:8080",)),
        ({"changed": (TO_PORT,)}, {"dnat": DnatMode.SHOW}, ("NAT to port 8080",)),
        (
            {"changed": (Change(RewrittenField.DESTINATION, "::1", "::2"), TO_PORT)},
            {"dnat": DnatMode.SHOW},
            ("NAT to [::2]:8080",),
        ),
        (
            {"changed": (Change(RewrittenField.SOURCE, "192.0.2.1", "192.0.2.2"),)},
            {"dnat": DnatMode.SHOW},
            ("NAT from 192.0.2.2",),
        ),
        ({"changed": (Change(RewrittenField.IDENTIFIER, 1, 2),)}, {}, ("NAT",)),
        ({"changed": (MSS,)}, {}, ("MSS 1360",)),
        ({"changed": (Change(RewrittenField.MSS, 1460, None),)}, {}, ("MSS none",)),
        ({"changed": (Change(RewrittenField.TCP_FLAGS, "SEW", "S"),)}, {}, ("ECN cleared",)),
        ({"changed": (Change(RewrittenField.TCP_FLAGS, "SEW", "SW"),)}, {}, ("ECN cleared",)),
        ({"changed": (Change(RewrittenField.TCP_FLAGS, "S", "SA"),)}, {}, ()),
        ({"changed": (Change(RewrittenField.TCP_FLAGS, "SEW", "SPEW"),)}, {}, ()),
        ({"changed": (Change(RewrittenField.ECN, 2, 0),)}, {}, ("ECN cleared",)),
        ({"changed": (Change(RewrittenField.ECN, 2, 3),)}, {}, ("ECN CE",)),
        ({"changed": (Change(RewrittenField.IP_ID), Change(RewrittenField.PAYLOAD))}, {}, ()),
        (
            {"changed": (Change(RewrittenField.TOS, 184, 0),)},
            {"tos": 184},
            ("TOS=0!",),
        ),
        ({"labels": STACK}, {}, ("MPLS 24102/16007",)),
        ({"reply_ttl": 1}, {}, ("!",)),
        ({"reply_ttl": 0}, {}, ("!",)),
        ({"reply_ttl": 2}, {}, ()),
        ({"kind": ReplyKind.UDP}, {"protocol": Protocol.UDP}, ("[open]",)),
        (
            {"kind": ReplyKind.SYN_ACK},
            {"protocol": Protocol.TCP, "tcp_flags": TcpFlags.ECN},
            ("[open]", "ECN refused"),
        ),
        (
            {"kind": ReplyKind.SYN_ACK, "ecn": True},
            {"protocol": Protocol.TCP, "tcp_flags": TcpFlags.ECN},
            ("[open, ecn]",),
        ),
        (
            {"kind": ReplyKind.UNREACHABLE, "code": 2, "icmp_type": 3, "reached": True},
            {"protocol": Protocol.IP, "number": 47},
            ("!P",),
        ),
        ({"kind": ReplyKind.OTHER, "icmp_type": 40, "code": 2}, {}, ("icmp 40/2",)),
    ],
)
def test_marks(fields: dict, settings: dict, marks: tuple[str, ...]) -> None:
    assert hop_of(reply(**fields), **settings).marks == marks


def test_protocol_unreachable_of_ipv6() -> None:
    told = reply(kind=ReplyKind.UNREACHABLE, code=1, icmp_type=4, reached=True)
    assert hop_of(told, family=6, protocol=Protocol.IP, number=47).marks == ("!P",)
    prohibited = reply(kind=ReplyKind.UNREACHABLE, code=1, icmp_type=1)
    assert hop_of(prohibited, family=6).marks == ("!A",)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ("as sent", "TTL 1")),
        (
            {"changed": (Change(RewrittenField.TOS, 0xB8, 0), MSS), "quoted_ttl": 7},
            ("TOS 0 (sent 0xb8)", "MSS 1360 (sent 1460)", "TTL 7"),
        ),
        ({"quoted_bytes": 28}, ("as sent", "TTL 1", "only 28 bytes quoted")),
        (
            {
                "changed": (
                    TO,
                    Change(RewrittenField.ECN, 2, 3),
                    Change(RewrittenField.DF, 1, 0),
                    Change(RewrittenField.IP_ID),
                    Change(RewrittenField.MSS, 1460, None),
                    Change(RewrittenField.TCP_FLAGS, "SEW", "S"),
                    Change(RewrittenField.FLOW_LABEL, 0x4711A, 0),
                    Change(RewrittenField.FRAGMENT, 0, 1),
                )
            },
            (
                "destination 198.51.100.80 (sent 203.0.113.9)",
                "ECN CE (sent ECT(0))",
                "DF off (sent on)",
                "IP ID changed",
                "MSS none (sent 1460)",
                "TCP flags S (sent SEW)",
                "flow label 0 (sent 0x4711a)",
                "a fragment",
                "TTL 1",
            ),
        ),
        (
            {
                "labels": STACK,
                "interfaces": (Interface("incoming", 7, "198.51.100.3", "et-0/0/2", 9192),),
            },
            (
                "as sent",
                "TTL 1",
                "MPLS 24102 (TC 0, S 0, TTL 2)",
                "MPLS 16007 (TC 5, S 1, TTL 1)",
                "incoming interface et-0/0/2 198.51.100.3 index 7 MTU 9192",
            ),
        ),
    ],
)
def test_words(fields: dict, words: tuple[str, ...]) -> None:
    assert hop_of(reply(**fields)).received == words


def test_every_field_has_words() -> None:
    for field in RewrittenField:
        for values in ((None, None), (1, 0), ("a", "b"), (5, None), ("", "b")):
            assert hop_of(reply(changed=(Change(field, *values),))).received


def test_the_latest_quote_counts_and_an_answer_without_one_leaves_it() -> None:
    first = reply(1, changed=(MSS,), labels=STACK)
    assert hop_of(first, reply(2, kind=ReplyKind.ECHO)).received[0] == "MSS 1360 (sent 1460)"
    hop = hop_of(first, reply(2))
    assert (hop.received, hop.labels) == (("as sent", "TTL 1"), ())
    assert hop_of(first).labels == STACK
    assert hop_of(reply(kind=ReplyKind.ECHO)).received == ()


def test_nothing_changed_is_nothing_in_json() -> None:
    line = ev.encode(reply())
    assert not any(word in line for word in (b"changed", b"labels", b"interfaces", b"quoted_bytes"))
    full = reply(changed=(TO, MSS), labels=STACK, interfaces=(Interface("incoming", 7),))
    assert ev.decode_event(ev.encode(full)) == full
