"""What the folds say."""

import random
import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from tests.helpers.recordings.recording_parts import (
    ESCAPE,
    EVENTS,
    EXTREMES,
    FLOATS,
    ROWS,
    Forge,
    bomb,
    write,
)
from tui_trace.core import events as ev
from tui_trace.session.fold import Session


def lie(rng: random.Random, value: Any) -> Any:
    """The same structure with one value changed."""
    if isinstance(value, dict):
        if value and rng.random() < 0.9:
            key = rng.choice(list(value))
            if rng.random() < 0.1:
                return {
                    **value,
                    (rng.choice(EXTREMES[:9]) if isinstance(key, int) else ESCAPE): value[key],
                }
            return {**value, key: lie(rng, value[key])}
        return {n: n for n in range(100_000)} if rng.random() < 0.3 else {}
    if isinstance(value, list):
        if value and rng.random() < 0.9:
            place = rng.randrange(len(value))
            return [*value[:place], lie(rng, value[place]), *value[place + 1 :]]
        return rng.choice([[], value[:-1], value * 40 if len(value) < 50 else value * 2])
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice([n for n in EXTREMES if -(1 << 63) <= n < 1 << 64])
    if isinstance(value, float):
        return rng.choice(FLOATS)
    if isinstance(value, str):
        return rng.choice(["", ESCAPE, "-1", "f" * 48, "f" * 60, "A" * 9, "x" * 100_000])
    return rng.choice([0, "", [], {}])


@cache
def fold_of_all() -> list[Any]:
    """The state behind all these events, as nothing but lists, dicts and values."""
    session = Session()
    for event in (*EVENTS, ev.HostNamed(0, "192.0.2.1", ("a",))):
        session.apply(event)
    plain: list[Any] = msgspec.to_builtins(session.checkpoint(), str_keys=False)
    return plain


def fold_of(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """A file whose folds are all a changed one."""

    def forge(path: Path) -> None:
        fold = zlib.compress(msgspec.msgpack.encode(change(deepcopy(fold_of_all()))), 1)
        write(path, [(n, at, fold if n else None, data) for n, at, _, data in ROWS])

    return forge


def bombs(path: Path, size: int) -> None:
    """So many MiB in each fold."""
    write(path, [(n, at, bomb(size) if n else None, data) for n, at, _, data in ROWS])


def folds() -> Iterator[tuple[str, Forge]]:
    for seed in range(120):
        rng = random.Random(seed)

        def change(plain: Any, rng: random.Random = rng) -> Any:
            for _ in range(rng.randint(1, 3)):
                plain = lie(rng, plain)
            return plain

        yield f"lie {seed} of a fold", fold_of(change)

    def many(plain: Any, what: str) -> Any:
        runs = plain[4]
        hops = runs[0][7]
        match what:
            case "runs":
                runs *= 5000
            case "runs, each its own":
                plain[4] = [[n, *runs[0][1:7], hops[:1], 0] for n in range(4096)]
            case "hops":
                runs[0][7] = hops * 2000
            case "probes in flight":
                hops[0][3] = [1] * 4_000_000
            case "responders":
                for hop in hops:
                    hop[6] = {f"{n:x}": [0, 0] for n in range(4000)}
            case "marks":
                hops[0][2] = {f"{n:x}": 0 for n in range(300_000)}
            case "addresses":
                plain[11] = {f"{n:x}": {} for n in range(300_000)}
            case "MTUs":
                plain[15] = dict.fromkeys(range(100000), "x")
        return plain

    for what in (
        *("runs", "runs, each its own", "hops", "probes in flight", "responders", "marks"),
        *("addresses", "MTUs"),
    ):
        yield f"a fold of too many {what}", fold_of(partial(many, what=what))
    for size in (20, 640):
        yield f"folds that are bombs of {size} MiB", partial(bombs, size=size)
