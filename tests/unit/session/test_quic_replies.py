"""What a QUIC server said of itself, as the session and the view tell it."""

import msgspec
import pytest

from tests.helpers.app.fake_source import reply
from tui_trace.app.widgets.hop_inspector import inspect
from tui_trace.core.events import ReplyKind, decode_event, encode
from tui_trace.core.quic_versions import MAX_VERSIONS
from tui_trace.core.settings import DEFAULT_PORT, ProbeSettings, Protocol
from tui_trace.report.hop_notes import full_notes, short_notes
from tui_trace.session.annotations import marks_of
from tui_trace.session.hop_fold import HopFold

QUIC = ProbeSettings(protocol=Protocol.QUIC, port=DEFAULT_PORT[Protocol.QUIC], size=1228)
VERSIONS = (1, 0x6B33_43CF, 0x1A2A_3A4A)
NEGOTIATION = reply(
    *(1, 1, 3, "203.0.113.1", 1.0, 0),
    kind=ReplyKind.VERSION_NEGOTIATION,
    reached=True,
    versions=VERSIONS,
)


def folded() -> HopFold:
    hop = HopFold(3)
    hop.on_sent(1, at=0)
    hop.on_reply(NEGOTIATION, marks_of(NEGOTIATION, QUIC, 4))
    return hop


def test_the_row_has_a_mark_and_reports_the_versions() -> None:
    hop = folded().snapshot()
    assert hop.versions == VERSIONS
    assert short_notes(hop) == "[quic]"
    assert full_notes(hop) == "[quic] · QUIC v1, v2"
    lines = ["".join(part for part, _ in line).rstrip() for line in inspect(hop, 80, 20)]
    assert " QUIC v1, v2" in lines


def test_they_stay_after_another_answer_and_in_a_checkpoint() -> None:
    fold = folded()
    fold.on_sent(2, at=0)
    fold.on_reply(reply(1, 2, 3, "203.0.113.1", 1.0, 1, kind=ReplyKind.UDP, reached=True), ())
    assert fold.snapshot().versions == VERSIONS
    assert HopFold.from_checkpoint(fold.checkpoint()).snapshot() == fold.snapshot()


def test_the_stream_has_them_within_bounds() -> None:
    assert decode_event(encode(NEGOTIATION)) == NEGOTIATION
    for wrong in ((0,) * (MAX_VERSIONS + 1), (1 << 32,), (-1,)):
        forged = encode(msgspec.structs.replace(NEGOTIATION, versions=wrong))
        with pytest.raises(msgspec.ValidationError):
            decode_event(forged)


@pytest.mark.parametrize(
    ("reached", "protocol", "marks"),
    [
        (True, Protocol.QUIC, ("[closed]",)),
        (True, Protocol.UDP, ()),
        (False, Protocol.QUIC, ("!p",)),
    ],
)
def test_a_closed_port_is_told_of_quic_alone(
    reached: bool, protocol: Protocol, marks: tuple[str, ...]
) -> None:
    answer = reply(
        *(1, 1, 3, "203.0.113.1", 1.0, 0),
        kind=ReplyKind.UNREACHABLE,
        reached=reached,
        icmp_type=3,
        code=3,
    )
    assert marks_of(answer, msgspec.structs.replace(QUIC, protocol=protocol), 4) == marks
