"""What a router's ICMP error says about the probe that it quotes."""

from tui_trace.wire.network import NOTHING_QUOTED, OutgoingProbe, QuoteDetails, ReceivedReply
from tui_trace.wire.packets import icmp_extensions, quote_diff

KEPT_BYTES = 128
"""Bytes of a probe that are kept: all headers. Behind them the payload is one byte, repeated."""


def quote_details(probe: OutgoingProbe, reply: ReceivedReply, family: int) -> QuoteDetails:
    """Return how the quoted packet differs from the probe, and the error's extensions.

    It never raises, whatever the message is.
    """
    quote, extension = icmp_extensions.split_extensions(reply.message, family)
    sent, size = probe.packet, probe.settings.size
    if len(quote) > len(sent) < size:
        sent += bytes([probe.settings.payload_byte]) * (size - len(sent))
    extensions = icmp_extensions.decode_extensions(extension) if extension else ((), ())
    if quote_diff.is_as_sent(sent, quote, family):
        if len(quote) >= size and not extension:
            return NOTHING_QUOTED
        return QuoteDetails((), None if len(quote) >= size else len(quote), *extensions)
    if len(sent) < size:
        sent += bytes([probe.settings.payload_byte]) * (size - len(sent))
    return QuoteDetails(*quote_diff.diff_quote(sent, quote, family), *extensions)
