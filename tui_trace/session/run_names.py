"""What runs are called beside each other, and whether they took turns."""

from collections.abc import Sequence
from typing import Protocol as Interface

from tui_trace.core.probe_text import describe_tos, short_protocol
from tui_trace.core.settings import ProbeSettings, Protocol

_FIELD_NAMES = dict(
    zip(ProbeSettings.__struct_fields__, ProbeSettings.__struct_encode_fields__, strict=True)
)
"""The names that fields of the settings have in recordings and in JSON, which are shorter."""


class Numbered(Interface):
    """A run, growing or at one moment."""

    @property
    def number(self) -> int:
        """Return its number in the session."""

    @property
    def settings(self) -> ProbeSettings:
        """Return what its probes are."""

    @property
    def turns_with(self) -> tuple[int, ...]:
        """Return the numbers of the runs that it takes turns with."""


def in_turns(one: Numbered, other: Numbered) -> bool:
    """Return whether two runs of one session took turns, round by round."""
    return other.number in one.turns_with


def name_runs(runs: Sequence[Numbered]) -> tuple[str, ...]:
    """Return, for each run, what tells its settings from those of the others: `TCP 443`."""
    differing = _differing(runs)
    names = [_name(run.settings, differing) for run in runs]
    return tuple(
        f"{name} (run {run.number})" if names.count(name) > 1 else name
        for run, name in zip(runs, names, strict=True)
    )


def name_settings(runs: Sequence[Numbered]) -> tuple[str, ...]:
    """Return the same without numbers; empty texts where all settings are equal."""
    differing = _differing(runs)
    return tuple(_name(run.settings, differing) if differing else "" for run in runs)


def _differing(runs: Sequence[Numbered]) -> list[str]:
    return [
        field
        for field in ProbeSettings.__struct_fields__
        if len({getattr(run.settings, field) for run in runs}) > 1
    ]


def _name(settings: ProbeSettings, differing: Sequence[str]) -> str:
    parts: list[str] = []
    if not differing or {"protocol", "port", "tcp_flags"} & set(differing):
        parts.append(short_protocol(settings))
    if "df" in differing:
        parts.append(f"DF {'on' if settings.df else 'off'}")
    sized = "size" in differing and ("protocol" not in differing or len(parts) == 0)
    if sized or ("df" in differing and settings.df):
        parts.append(f"{settings.size} bytes")
    if "tos" in differing:
        parts.append(f"TOS {describe_tos(settings.tos)}")
    told = {"protocol", "port", "tcp_flags", "df", "size", "tos"}
    parts += [
        f"{_FIELD_NAMES[field].replace('_', ' ')} {getattr(settings, field)}"
        for field in differing
        if field not in told
    ]
    if settings.protocol is Protocol.ICMP and parts == []:
        parts.append("ICMP")
    return " with ".join([parts[0], ", ".join(parts[1:])]) if len(parts) > 1 else parts[0]
