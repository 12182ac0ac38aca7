"""Turns of the settings that Diagnose tries, as outcomes without events: dealt by thousands."""

import random
from collections.abc import Sequence

from msgspec.structs import replace

from tests.helpers.generated_sessions import Drops
from tui_trace.core.settings import NS_PER_S, ProbeSettings, Protocol, SettingsHistory
from tui_trace.session.diagnosis import MOST_ROUNDS, Diagnosis, diagnose, settings_to_try
from tui_trace.session.snapshot import Run

TCP = ProbeSettings(protocol=Protocol.TCP, port=443, size=60)
ICMP, UDP, HTTPS, LARGE, MARKED = range(5)
"""Places in `Diagnosis.trials` of what is tried if TCP 443 is in use."""


def runs_of_turns(
    everyone: Drops, own: Sequence[Drops], rng: random.Random, rounds: int = MOST_ROUNDS
) -> list[list[Run]]:
    """Return the runs after each turn; `everyone` is lost of all, `own` of each trial."""
    settings = settings_to_try(SettingsHistory(TCP), 4)
    order = [0, 1, 4, 2, 3]
    """From the order of sending to that of the trials."""
    runs = [Run(place + 1, one, 0, 0, False, ()) for place, one in enumerate(settings)]
    looks = []
    for turn in range(rounds):
        for place, run in enumerate(runs):
            at = (turn * len(runs) + place) * NS_PER_S
            is_lost = everyone(at, rng) | own[order.index(place)](at, rng)
            field = "target_lost" if is_lost else "target_answered"
            bits = getattr(run, field) | 1 << turn
            runs[place] = replace(run, rounds=turn + 1, **{field: bits})
        looks.append(list(runs))
    return looks


def watched(looks: Sequence[Sequence[Run]]) -> tuple[Diagnosis, int]:
    """Return what is told in the end, and after how many turns."""
    for turn, runs in enumerate(looks, 1):
        told = diagnose(runs, is_over=turn == len(looks))
        if told.is_settled:
            return told, turn
    raise AssertionError
