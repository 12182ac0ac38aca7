"""Sessions of several vantages with one target, by their paths."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from tests.helpers.generated_sessions import TARGET, Drops, Node, World, deal, never
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot


def session_from(
    vantage: str,
    path: Sequence[str],
    drops: Mapping[str, Drops] | None = None,
    *,
    seed: int = 1,
    rounds: int = 60,
    silent: Sequence[str] = (),
    back: bool = False,
    target: str = TARGET,
) -> Snapshot:
    """Return what is known after some rounds; the target stands behind the routers of the path.

    `drops` is what the link to a node loses on the way there, or `back`.
    """
    nodes = [Node(address) for address in (*path, target)]
    for node in nodes:
        loses = (drops or {}).get(node.address, never)
        if back:
            node.drops_back = loses
        else:
            node.drops = loses
        if node.address in silent:
            node.drops_answers = lambda _at, _rng: True
    session = Session()
    for event in deal(World.of(nodes), rounds, seed):
        session.apply(event)
    return replace(session.snapshot(), vantage=vantage)
