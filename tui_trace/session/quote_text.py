"""What a hop received, in words: the fields of a probe that were rewritten on the way."""

import msgspec

from tui_trace.core.events import Change, Interface, MplsLabel, Reply, RewrittenField
from tui_trace.core.ranges import Int64, Ttl
from tui_trace.core.settings import DnatMode

_NAMES = {
    RewrittenField.SOURCE: "source",
    RewrittenField.DESTINATION: "destination",
    RewrittenField.TOS: "TOS",
    RewrittenField.ECN: "ECN",
    RewrittenField.FLOW_LABEL: "flow label",
    RewrittenField.LENGTH: "length",
    RewrittenField.IP_ID: "IP ID",
    RewrittenField.DF: "DF",
    RewrittenField.SOURCE_PORT: "source port",
    RewrittenField.DESTINATION_PORT: "destination port",
    RewrittenField.IDENTIFIER: "identifier",
    RewrittenField.SEQUENCE: "sequence number",
    RewrittenField.ACKNOWLEDGEMENT: "acknowledgement",
    RewrittenField.TCP_FLAGS: "TCP flags",
    RewrittenField.WINDOW: "window",
    RewrittenField.MSS: "MSS",
    RewrittenField.OPTIONS: "TCP options",
    RewrittenField.CHECKSUM: "checksum",
    RewrittenField.PAYLOAD: "payload",
}
_HEXADECIMAL = {RewrittenField.TOS, RewrittenField.FLOW_LABEL}
_ECN = ("not-ECT", "ECT(1)", "ECT(0)", "CE")
"""RFC 3168 §5."""
_CE = 3
_TRANSLATED = {
    RewrittenField.SOURCE,
    RewrittenField.DESTINATION,
    RewrittenField.SOURCE_PORT,
    RewrittenField.DESTINATION_PORT,
    RewrittenField.IDENTIFIER,
}


class QuoteSummary(msgspec.Struct, frozen=True):
    """What the last quote of a hop shows of our probe."""

    ttl: Ttl
    """The TTL that the probe had left."""
    bytes: Int64 | None = None
    """How many bytes were quoted; None: the whole probe."""
    changed: tuple[Change, ...] = ()
    labels: tuple[MplsLabel, ...] = ()
    """Outermost first."""
    interfaces: tuple[Interface, ...] = ()

    @classmethod
    def from_reply(cls, reply: Reply) -> "QuoteSummary | None":
        """Return the summary of a reply; None if it quotes nothing."""
        if reply.quoted_ttl is None:
            return None
        return cls(
            ttl=reply.quoted_ttl,
            bytes=reply.quoted_bytes,
            changed=reply.changed,
            labels=reply.labels,
            interfaces=reply.interfaces,
        )

    def words(self) -> tuple[str, ...]:
        """`TOS 0 (sent 0xb8)`, `MSS 1360 (sent 1460)`, `TTL 1`, `28 bytes quoted`."""
        words = [format_change(change) for change in self.changed] or ["as sent"]
        words.append(f"TTL {self.ttl}")
        if self.bytes is not None:
            words.append(f"only {self.bytes} bytes quoted")
        words += [format_label(label) for label in self.labels]
        words += [format_interface(interface) for interface in self.interfaces]
        return tuple(words)


def format_change(change: Change) -> str:
    """`MSS 1360 (sent 1460)`, `IP ID changed`."""
    if change.field is RewrittenField.FRAGMENT:
        return "a fragment"
    name = _NAMES[change.field]
    if change.sent is None and change.received is None:
        return f"{name} changed"
    received, sent = (
        _format_value(change.field, value) for value in (change.received, change.sent)
    )
    return f"{name} {received} (sent {sent})"


def _format_value(field: RewrittenField, value: int | str | None) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, str):
        return value
    if field is RewrittenField.ECN:
        return _ECN[value & 3]
    if field is RewrittenField.DF:
        return "on" if value else "off"
    return f"{value:#04x}" if value and field in _HEXADECIMAL else str(value)


def format_label(label: MplsLabel) -> str:
    """`MPLS 24015 (TC 0, S 1, TTL 1)`."""
    return f"MPLS {label.label} (TC {label.traffic_class}, S {label.bottom:d}, TTL {label.ttl})"


def format_interface(interface: Interface) -> str:
    """`incoming interface et-0/0/2.0 203.0.113.1 index 7 MTU 1500`."""
    words = [interface.role, "interface", interface.name, interface.address]
    if interface.index is not None:
        words.append(f"index {interface.index}")
    if interface.mtu is not None:
        words.append(f"MTU {interface.mtu}")
    return " ".join(filter(None, words))


def quote_marks(reply: Reply, dnat: DnatMode) -> tuple[str, ...]:
    """Return the marks of rewritten fields and MPLS labels: `NAT`, `MSS 1360`, `MPLS 16`."""
    marks = []
    if reply.labels:
        marks.append("MPLS " + "/".join(str(label.label) for label in reply.labels))
    changes = {change.field: change for change in reply.changed}
    if not _TRANSLATED.isdisjoint(changes):
        marks.append(_format_translation(changes) if dnat is DnatMode.SHOW else "NAT")
    if RewrittenField.MSS in changes:
        marks.append(
            f"MSS {_format_value(RewrittenField.MSS, changes[RewrittenField.MSS].received)}"
        )
    if _cleared_ecn(changes):
        marks.append("ECN cleared")
    elif RewrittenField.ECN in changes and changes[RewrittenField.ECN].received == _CE:
        marks.append("ECN CE")
    return tuple(marks)


def _cleared_ecn(changes: dict[RewrittenField, Change]) -> bool:
    if RewrittenField.ECN in changes and changes[RewrittenField.ECN].received == 0:
        return True
    flags = changes.get(RewrittenField.TCP_FLAGS)
    if flags is None:
        return False
    sent, received = str(flags.sent), str(flags.received)
    return any(flag in sent and flag not in received for flag in "EW")


def _format_translation(changes: dict[RewrittenField, Change]) -> str:
    """Return `NAT to 10.9.3.2:8080`: where NAT sent the probe, or let it come from."""
    ends = (
        (RewrittenField.DESTINATION, RewrittenField.DESTINATION_PORT, "to"),
        (RewrittenField.SOURCE, RewrittenField.SOURCE_PORT, "from"),
    )
    words = ["NAT"]
    for address, port, way in ends:
        known = [str(changes[field].received) for field in (address, port) if field in changes]
        if known:
            at_port = "port " if address not in changes else ""
            words.append(f"{way} {at_port}{_joined(known)}")
    return " ".join(words)


def _joined(known: list[str]) -> str:
    if len(known) == 1:
        return known[0]
    address, port = known
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
