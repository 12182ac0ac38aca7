"""The report of the real mtr, read again: the same numbers, and not one more."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.network.chain import Chain
from tests.helpers.results import snapshots_of
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.mtr_json import render_json


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain(3, silent=(2,)) as made:
        yield made


@pytest.mark.parametrize("family", [4, 6])
def test_mtr_is_read_as_it_writes(chain: Chain, family: int, tmp_path: Path) -> None:
    target = chain.target_address(family)
    words = ["mtr", f"-{family}", "-j", "-n", "-c", "3", "-i", "0.2", "-G", "1", "-Q", "184"]
    text = chain.client.run([*words, "-o", "LDRSNBAWVGJMXI", target]).stdout
    path = tmp_path / "mtr.json"
    path.write_text(text)
    [snapshot] = snapshots_of(path)
    theirs = json.loads(text)["report"]
    ours = json.loads(render_json(snapshot, ReportLayout(fields="LDRSNBAWVGJMXI")))["report"]
    assert ours["mtr"] == theirs["mtr"]
    for mine, hub in zip(ours["hubs"], theirs["hubs"], strict=True):
        assert {key: mine[key] for key in hub} == hub
    assert snapshot.run.reached
    assert snapshot.findings == ()
