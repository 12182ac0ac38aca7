"""A report by the real program where some replies come late, and none is lost."""

from pathlib import Path

import pytest

from tests.helpers.lab.lab_trace import trace

pytestmark = pytest.mark.usefixtures("inside")

SCENARIO = """
title = "one reply in ten takes a second"
seed = {seed}
[[hops]]
name = "a.example"
v4 = "198.18.0.1"
[[hops]]
name = "b.example"
v4 = "198.18.0.2"
hold = {{ percent = 10, by = 1000 }}
[[hops]]
name = "c.example"
v4 = "198.18.0.3"
hold = {{ percent = 10, by = 1000 }}
[[hops]]
name = "www.example.com"
v4 = "203.0.113.80"
hold = {{ percent = 10, by = 1000 }}
"""


def test_what_is_late_at_the_end_is_no_loss(tmp_path: Path) -> None:
    late = 0
    for seed in range(6):
        file = tmp_path / f"late{seed}.toml"
        file.write_text(SCENARIO.format(seed=seed))
        hops = trace(file, "-c", "10", "-i", "0.1").run.hops
        assert [hop.ttl for hop in hops] == [1, 2, 3, 4]
        assert [hop.lost for hop in hops] == [0, 0, 0, 0]
        late += sum(hop.late for hop in hops)
    assert late, "nothing was late, so nothing was tried"
