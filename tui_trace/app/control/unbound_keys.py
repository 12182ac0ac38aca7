"""What is said to a key that does nothing here: mtr's hand finds the right one."""

from collections.abc import Mapping

_AT_MTR: Mapping[str, str] = {
    "s": "the packet size is S",
    "j": "jitter is a display: d",
    "a": "the source address is an option: -a",
    "C": "probing goes on until q; -c N ends it after N rounds",
    "I": "the interval is + and -",
    "U": "how many silent hops end the path is an option: -U",
    "Z": "the wait for a reply is an option: -Z",
    "L": "the source port is an option: -L",
    "R": "statistics are reset by r",
    "X": "every way is found by x",
    "E": "MPLS labels are in the notes; e exports",
}
"""Keys of mtr's live view, and letters of its options, that mean nothing here."""


def hint_of_key(character: str) -> str:
    """Return one line for a character that no key binding takes."""
    known = _AT_MTR.get(character)
    return f"{character}: {known}" if known else f"{character}: no such key; ? lists them"
