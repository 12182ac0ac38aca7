"""Fits the packet size to the headers of the probe, and to what its target answers."""

import msgspec

from tui_trace.core.probe_text import describe_protocol
from tui_trace.core.settings import (
    DEFAULT_SIZE,
    QUIC_DATAGRAM,
    ProbeSettings,
    Protocol,
    TcpFlags,
    minimum_size,
)

SYN_WITH_DATA = "some targets and firewalls drop a SYN that carries data"


def fit_size(settings: ProbeSettings, family: int) -> tuple[ProbeSettings, str | None]:
    """Return the settings with a size that can be answered, and a warning or None.

    There is no warning if the size is only the protocol's default.
    """
    least = minimum_size(settings.protocol, family, settings.no_tcp_options)
    if settings.size >= least:
        has_syn = settings.protocol is Protocol.TCP and settings.tcp_flags is not TcpFlags.ACK
        return settings, SYN_WITH_DATA if has_syn and settings.size > least else None
    warning = None
    if settings.size != DEFAULT_SIZE[settings.protocol]:
        why = f"the headers of {describe_protocol(settings)} over IPv{family}"
        if settings.protocol is Protocol.QUIC:
            why = f"{QUIC_DATAGRAM} of them in UDP: QUIC servers ignore less"
        warning = f"packet size raised from {settings.size} to {least} bytes, {why}"
    return msgspec.structs.replace(settings, size=least), warning
