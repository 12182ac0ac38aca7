"""Recordings of ours, and bytes of them changed."""

import random
from collections.abc import Iterator

from tests.helpers.places import DATA
from tests.helpers.recordings.recording_parts import Forge


def damage() -> Iterator[tuple[str, Forge]]:
    for name in ("lab-path-change.session", "lab-turns.session"):
        whole = (DATA / name).read_bytes()
        for seed in range(20):
            rng = random.Random(seed)
            broken = bytearray(whole[: rng.choice([len(whole), rng.randrange(len(whole))])])
            for _ in range(rng.choice([1, 20, 1000])):
                broken[rng.randrange(len(broken))] = rng.randrange(256)
            yield f"{name}, broken {seed}", lambda path, b=bytes(broken): path.write_bytes(b)
