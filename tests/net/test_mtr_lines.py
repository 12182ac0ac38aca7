"""Our reports beside those of the real mtr: the same command lines on the same routers."""

import csv
import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.nameserver import serve_names

FAST = "-c 2 -i 0.2 -G 1"
TARGET = "198.18.5.2"
LONG = "a-very-long-name-of-a-router.in.some.far.away.example"
TABLES = [
    "-r",
    "-r -n",
    "-w",
    "-rw -n",
    "-wr -b",
    "-r -z",
    "-rw -z",
    "-rzw -n",
    "-r -y 2",
    "-w -y 3 -n",
    "-r -n -o LSD_NBAW",
    "-w -o LDRSNBAWVGJMXI",
    "-r -u",
    "-r -T -P 80",
    "-r -m 3",
    "-r -f 2 -n",
    "-r -e -Q 16 -s 100 -B 170",
    "-jr",
]
OBJECTS = ["-j", "-j -z -n", "-jb", "-j -o LSDRNBAWVGJMXI", "-wj -Q 184 -s 200 -B 255", "-j -m 2"]
VALUES = ["-C", "-C -n", "-rC -z", "-C -o LSDRNBAWVGJMXI", "-j -C -b"]


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain(4, silent=(3,)) as made:
        listen(made.target, 80)
        names = {made.hop(1): LONG, made.hop(2): "core1.example", TARGET: "www.example"}
        serve_names(made.client, names)
        yield made


@pytest.fixture(scope="module")
def outputs(chain: Chain) -> dict[str, tuple[str, str]]:
    """Of mtr and of ours, for every command line."""

    def both(line: str) -> tuple[str, str]:
        words = [*line.split(), *FAST.split(), TARGET]
        real = chain.client.run(["mtr", *words], env=tui_trace_process.environment()).stdout
        return real, tui_trace_process.program(chain.client, *words).stdout

    lines = [*TABLES, *OBJECTS, *VALUES]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(lines, pool.map(both, lines), strict=True))


def masked(report: str) -> list[str]:
    """Without the times, the first line, and ours about the others that run at the same time."""
    rows = [row for row in report.splitlines()[1:] if "matched none" not in row]
    return [
        re.sub(r"(?<= )\d+\.\d(?= |$)", lambda time: "0.0".rjust(len(time[0])), row) for row in rows
    ]


@pytest.mark.parametrize("line", TABLES)
def test_tables(outputs: dict[str, tuple[str, str]], line: str) -> None:
    theirs, mine = (masked(output) for output in outputs[line])
    assert len(theirs) > 2
    if "w" in line and "z" not in line and "y" not in line:
        # there mtr's header stands two characters left of what it heads
        assert mine[0].split() == theirs[0].split()
        theirs, mine = theirs[1:], mine[1:]
    for own, real in zip(mine, theirs, strict=True):
        note = own.removeprefix(real)
        assert own.startswith(real)
        assert note in ("", "  [open]")
    assert outputs[line][1].startswith("Start: 20")


@pytest.mark.parametrize("line", OBJECTS)
def test_objects(outputs: dict[str, tuple[str, str]], line: str) -> None:
    theirs, mine = (json.loads(output)["report"] for output in outputs[line])
    assert mine["mtr"] == theirs["mtr"]
    assert len(theirs["hubs"]) > 1
    for own, real in zip(mine["hubs"], theirs["hubs"], strict=True):
        assert list(own)[: len(real)] == list(real)
        assert [type(own[key]) for key in real] == [type(value) for value in real.values()]
        for key in ("count", "host", "ASN", "Loss%", "Snt", "Drop", "Rcv"):
            assert own.get(key) == real.get(key) or key not in real


@pytest.mark.parametrize("line", VALUES)
def test_values(outputs: dict[str, tuple[str, str]], line: str) -> None:
    real, own = outputs[line]
    assert own.startswith(real.splitlines()[0])
    theirs, mine = ([*csv.reader(io.StringIO(text))] for text in (real, own))
    head = theirs[0]
    assert len(theirs) == len(mine) > 2
    timeless = {"Status", "Host", "Hop", "Ip", "Asn", "Loss%", "Snt", " ", "Drop", "Rcv"}
    for ours_row, their_row in zip(mine[1:], theirs[1:], strict=True):
        for place, (title, value) in enumerate(zip(head, their_row, strict=False)):
            if title in timeless:
                assert ours_row[place] == value, title
            elif place > 1:
                assert re.fullmatch(r"\d+\.\d\d", ours_row[place]), title


def test_enough_was_compared(outputs: dict[str, tuple[str, str]]) -> None:
    assert len(outputs) >= 15
    assert all(real and own for real, own in outputs.values())
