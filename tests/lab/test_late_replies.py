"""A report where some replies come late, and none is lost."""

from pathlib import Path

from tests.helpers.lab.simulated_session import probe, simulated_trace
from tui_trace.core.settings import NS_PER_MS

SCENARIO = """
title = "one reply in ten takes a second"
[[hops]]
name = "a.example"
v4 = "198.18.0.1"
[[hops]]
name = "b.example"
v4 = "198.18.0.2"
hold = { percent = 10, by = 1000 }
[[hops]]
name = "c.example"
v4 = "198.18.0.3"
hold = { percent = 10, by = 1000 }
[[hops]]
name = "www.example.com"
v4 = "203.0.113.80"
hold = { percent = 10, by = 1000 }
"""


def test_what_is_late_at_the_end_is_no_loss(tmp_path: Path) -> None:
    late = 0
    file = tmp_path / "late.toml"
    file.write_text(SCENARIO)
    for seed in range(20):
        interval = 100 * NS_PER_MS
        hops = simulated_trace(str(file), probe(), 10, seed=seed, interval=interval).run.hops
        assert [hop.ttl for hop in hops] == [1, 2, 3, 4]
        assert [hop.lost for hop in hops] == [0, 0, 0, 0]
        late += sum(hop.late for hop in hops)
    assert late, "nothing was late, so nothing was tried"
