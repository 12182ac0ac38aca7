"""The text of metrics, written anew where only values have changed.

`prometheus_client` escapes every label of every sample each time, which takes two thirds of the
time of a page, and the labels hardly ever change.
"""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class _Given(Collector):
    """A collector of families that are known already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


class SeriesText:
    """The text in one format; it keeps what stood between the values of the last one."""

    def __init__(self, encode: Callable[[Collector], bytes]) -> None:
        """`encode` writes a whole text, each sample in a line that ends in its value."""
        self._encode = encode
        self._series: list[tuple[str, dict[str, str]]] = []
        self._between: list[str] = []
        """What stands before each value, and after the last one."""

    def render(self, families: Sequence[Metric]) -> bytes:
        """Return the text of these families."""
        samples = [sample for family in families for sample in family.samples]
        series = [(sample.name, sample.labels) for sample in samples]
        if series != self._series:
            self._series = series
            self._between = list(_between(self._encode(_Given(families)).decode()))
        values = [_written(sample.value) for sample in samples]
        pairs = zip(self._between, [*values, ""], strict=True)
        return "".join(piece for pair in pairs for piece in pair).encode()


def _written(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _between(text: str) -> Iterator[str]:
    piece = ""
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("#"):
            piece += f"{line}\n"
        else:
            before, space, _ = line.rpartition(" ")
            yield piece + before + space
            piece = "\n"
    yield piece
