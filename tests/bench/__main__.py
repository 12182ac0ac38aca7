"""All benchmarks, one after another: `python -m tests.bench` as root. Takes some minutes."""

import importlib

from tests.net import netns

RUNS: list[tuple[str, dict[str, int]]] = [
    ("rtt", {"probes": 200, "loops": 0}),
    ("rtt", {"probes": 200, "loops": 4}),
    ("first_picture", {"times": 5}),
    ("sweep", {"times": 5}),
    ("engine", {"rate": 1000, "seconds": 10}),
    ("unprivileged", {"probes": 200, "rate": 500, "seconds": 5}),
    ("throughput", {"rate": 5000, "seconds": 10}),
    ("memory", {"outcomes": 2_600_000}),
    ("recording", {"rounds": 86_400}),
]

if __name__ == "__main__":
    netns.sweep()
    for name, arguments in RUNS:
        importlib.import_module(f"tests.bench.{name}").run(**arguments)
