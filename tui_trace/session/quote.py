"""What a hop received, in words: the fields of a probe that were rewritten on the way to it."""

import msgspec

from tui_trace.events import Change, Field, Interface, Label, Reply
from tui_trace.ranges import Int64, Ttl
from tui_trace.settings import Dnat

_NAMES = {
    Field.SOURCE: "source",
    Field.DESTINATION: "destination",
    Field.TOS: "TOS",
    Field.ECN: "ECN",
    Field.FLOW_LABEL: "flow label",
    Field.LENGTH: "length",
    Field.IP_ID: "IP ID",
    Field.DF: "DF",
    Field.SOURCE_PORT: "source port",
    Field.DESTINATION_PORT: "destination port",
    Field.IDENTIFIER: "identifier",
    Field.SEQUENCE: "sequence number",
    Field.ACKNOWLEDGEMENT: "acknowledgement",
    Field.TCP_FLAGS: "TCP flags",
    Field.WINDOW: "window",
    Field.MSS: "MSS",
    Field.OPTIONS: "TCP options",
    Field.CHECKSUM: "checksum",
    Field.PAYLOAD: "payload",
}
_HEXADECIMAL = {Field.TOS, Field.FLOW_LABEL}
_ECN = ("not-ECT", "ECT(1)", "ECT(0)", "CE")
"""RFC 3168 §5."""
_CE = 3
_TRANSLATED = {
    Field.SOURCE,
    Field.DESTINATION,
    Field.SOURCE_PORT,
    Field.DESTINATION_PORT,
    Field.IDENTIFIER,
}


class Quote(msgspec.Struct, frozen=True):
    """What a hop last told of a probe of ours."""

    ttl: Ttl
    """That the probe had left."""
    bytes: Int64 | None = None
    """How much of it was quoted, where not all was."""
    changed: tuple[Change, ...] = ()
    labels: tuple[Label, ...] = ()
    """Outermost first."""
    interfaces: tuple[Interface, ...] = ()

    @classmethod
    def of(cls, reply: Reply) -> "Quote | None":
        """What this reply tells; None if it quotes nothing."""
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
        words = [change_words(change) for change in self.changed] or ["as sent"]
        words.append(f"TTL {self.ttl}")
        if self.bytes is not None:
            words.append(f"only {self.bytes} bytes quoted")
        words += [label_words(label) for label in self.labels]
        words += [interface_words(interface) for interface in self.interfaces]
        return tuple(words)


def change_words(change: Change) -> str:
    """`MSS 1360 (sent 1460)`, `IP ID changed`."""
    if change.field is Field.FRAGMENT:
        return "a fragment"
    name = _NAMES[change.field]
    if change.sent is None and change.received is None:
        return f"{name} changed"
    received, sent = (_value(change.field, value) for value in (change.received, change.sent))
    return f"{name} {received} (sent {sent})"


def _value(field: Field, value: int | str | None) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, str):
        return value
    if field is Field.ECN:
        return _ECN[value & 3]
    if field is Field.DF:
        return "on" if value else "off"
    return f"{value:#04x}" if value and field in _HEXADECIMAL else str(value)


def label_words(label: Label) -> str:
    """`MPLS 24015 (TC 0, S 1, TTL 1)`."""
    return f"MPLS {label.label} (TC {label.traffic_class}, S {label.bottom:d}, TTL {label.ttl})"


def interface_words(interface: Interface) -> str:
    """`incoming interface et-0/0/2.0 203.0.113.1 index 7 MTU 1500`."""
    words = [interface.role, "interface", interface.name, interface.address]
    if interface.index is not None:
        words.append(f"index {interface.index}")
    if interface.mtu is not None:
        words.append(f"MTU {interface.mtu}")
    return " ".join(filter(None, words))


def findings(reply: Reply, dnat: Dnat) -> tuple[str, ...]:
    """What a reply tells of rewriting and labels, as short marks: `NAT`, `MSS 1360`, `MPLS 16`."""
    marks = []
    if reply.labels:
        marks.append("MPLS " + "/".join(str(label.label) for label in reply.labels))
    changes = {change.field: change for change in reply.changed}
    if not _TRANSLATED.isdisjoint(changes):
        marks.append(_went(changes) if dnat is Dnat.SHOW else "NAT")
    if Field.MSS in changes:
        marks.append(f"MSS {_value(Field.MSS, changes[Field.MSS].received)}")
    if _cleared_ecn(changes):
        marks.append("ECN cleared")
    elif Field.ECN in changes and changes[Field.ECN].received == _CE:
        marks.append("ECN CE")
    return tuple(marks)


def _cleared_ecn(changes: dict[Field, Change]) -> bool:
    if Field.ECN in changes and changes[Field.ECN].received == 0:
        return True
    flags = changes.get(Field.TCP_FLAGS)
    if flags is None:
        return False
    sent, received = str(flags.sent), str(flags.received)
    return any(flag in sent and flag not in received for flag in "EW")


def _went(changes: dict[Field, Change]) -> str:
    """`NAT to 10.9.3.2:8080`: where the probe really went, or came from."""
    ends = (
        (Field.DESTINATION, Field.DESTINATION_PORT, "to"),
        (Field.SOURCE, Field.SOURCE_PORT, "from"),
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
