"""Who owns the addresses of a path, as the SOA records of their reverse zones say (`--owner`)."""

from collections.abc import Iterator

from tui_trace.core.sanitize import sanitize
from tui_trace.session.host_labels import responders
from tui_trace.session.snapshot import UNKNOWN_HOST, Hop, Snapshot


def owners_of(snapshot: Snapshot, hop: Hop) -> dict[str, str]:
    """Return the owners of a hop's addresses, by address; only those that are known."""
    known = {
        one.address: snapshot.who.get(one.address, UNKNOWN_HOST).owner for one in responders(hop)
    }
    return {sanitize(address): sanitize(owner) for address, owner in known.items() if owner}


def owner_lines(snapshot: Snapshot) -> Iterator[str]:
    """Return a line for each owner with its addresses, in the order of the path."""
    addresses: dict[str, list[str]] = {}
    for hop in snapshot.run.hops:
        for address, owner in owners_of(snapshot, hop).items():
            shown = addresses.setdefault(owner, [])
            if address not in shown:
                shown.append(address)
    for owner, owned in addresses.items():
        yield f"Owner {owner}: {', '.join(owned)}"
