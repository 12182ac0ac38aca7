"""A packet size that holds the headers of the probe."""

import msgspec

from tui_trace.core.probe_text import describe_protocol
from tui_trace.core.settings import DEFAULT_SIZE, ProbeSettings, Protocol, TcpFlags, minimum_size

SYN_WITH_DATA = "some targets and firewalls drop a SYN that carries data"


def fit_size(settings: ProbeSettings, family: int) -> tuple[ProbeSettings, str | None]:
    """The settings with a size that holds the headers, and what the user should know of it.

    A size that nobody chose, the protocol's default, grows without a word.
    """
    least = minimum_size(settings.protocol, family, settings.no_tcp_options)
    if settings.size >= least:
        has_syn = settings.protocol is Protocol.TCP and settings.tcp_flags is not TcpFlags.ACK
        return settings, SYN_WITH_DATA if has_syn and settings.size > least else None
    warning = None
    if settings.size != DEFAULT_SIZE[settings.protocol]:
        warning = (
            f"packet size raised from {settings.size} to {least} bytes,"
            f" the headers of {describe_protocol(settings)} over IPv{family}"
        )
    return msgspec.structs.replace(settings, size=least), warning
