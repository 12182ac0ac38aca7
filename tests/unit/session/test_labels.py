"""What a host is called, in every view and report."""

import pytest

from tui_trace.session.host_labels import LabelMode, host_label

ADDRESS = "203.0.113.1"


@pytest.mark.parametrize(
    ("mode", "label"),
    [
        (LabelMode.NAME, "fw.example"),
        (LabelMode.ADDRESS, ADDRESS),
        (LabelMode.BOTH, f"fw.example ({ADDRESS})"),
    ],
)
def test_a_label_in_each_mode(mode: LabelMode, label: str) -> None:
    assert host_label(ADDRESS, "fw.example", mode) == label
    assert host_label(ADDRESS, None, mode) == ADDRESS


@pytest.mark.parametrize(
    ("width", "label"),
    [
        (40, f"core1.long.name.example ({ADDRESS})"),
        (30, f"core1.long.name… ({ADDRESS})"),
        (20, ADDRESS),
        (5, ADDRESS),
    ],
)
def test_a_long_name_gives_way_to_its_address(width: int, label: str) -> None:
    assert host_label(ADDRESS, "core1.long.name.example", LabelMode.BOTH, width) == label


def test_names_of_strangers_are_harmless() -> None:
    for mode in LabelMode:
        assert host_label(ADDRESS, "a\x1b[2Jb\n", mode).isprintable()
