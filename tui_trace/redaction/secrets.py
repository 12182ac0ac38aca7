"""Addresses and words that must not be shown, found again in any text."""

import ipaddress
import re
from collections.abc import Iterable

from tui_trace.core.ip_literals import Address, unmapped
from tui_trace.core.sanitize import sanitize

HIDDEN = "hidden"
"""Stands for a word; `hidden-1`, `hidden-2`, … for addresses."""
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "100.64.0.0/10",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)
"""RFC 1918, 3927 and 6598; RFC 4193 and 4291 §2.5.6."""
_TOKEN = re.compile(r"[0-9A-Fa-f:.]*[:.][0-9A-Fa-f:.]+(?:%[\w.@-]+)?|[0-9A-Fa-f:]+::")
"""What may be an address in a text."""
_DOTTED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", re.ASCII)
_WORD = re.compile(r"(?!hidden(?:-\d+)?$)(?=.*[^\W\d_]).{2,}", re.DOTALL)
"""What is looked for in texts: no number, which may be a figure, and no single letter."""
_MOST_CACHED = 10_000


def _parse(text: str) -> Address | None:
    try:
        return unmapped(ipaddress.ip_address(text))
    except ValueError:
        return None


def canonical_address(text: str) -> str:
    """Return an address in its one form, without the interface of its scope; a name as it is."""
    bare = text.partition("%")[0]
    address = _parse(bare)
    return text.casefold() if address is None else str(address)


def is_private(address: Address) -> bool:
    """Return whether an address is one of a private network, of a link or of a carrier's NAT."""
    return any(address in network for network in _PRIVATE)


class Secrets:
    """What must not be shown, as far as it is known. Not thread-safe."""

    def __init__(self, *, private: bool) -> None:
        """`private`: every private address is secret."""
        self._private = private
        self._near: set[str] = set()
        self._pseudonyms: dict[str, str] = {}
        self._revealed: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}
        """By address: the names that are its own."""
        self._owners: dict[str, set[str]] = {}
        """By address: what tells of its owner, who may have other addresses, too."""
        self._words: dict[str, str] = {}
        """Words of this machine, and what stands for each."""
        self._pattern: re.Pattern[str] | None = None
        self._stand_ins: dict[str, str] = {}
        self._cache: dict[str, str] = {}
        self.version = 0
        """Rises whenever there is a secret more."""

    def is_hidden(self, text: str) -> bool:
        """Return whether an address, or the name of one, is secret."""
        known = canonical_address(text)
        if known in self._near:
            return True
        address = _parse(known) if self._private else None
        return address is not None and is_private(address)

    def reveal(self, text: str) -> str:
        """Return what a pseudonym stands for; any other text as it is."""
        return self._revealed.get(text, text)

    # --- more secrets

    def add_address(self, address: str) -> None:
        """Make an address, or a name that stands in place of one, secret."""
        known = canonical_address(address)
        if known not in self._near:
            self._near.add(known)
            self._pseudonym(address)
            self._changed()

    def forget_address(self, address: str) -> None:
        """Make an address no secret, unless it is private."""
        known = canonical_address(address)
        if known in self._near:
            self._near.discard(known)
            self._changed()

    def add_name(self, name: str, address: str) -> None:
        """Add a name of an address."""
        self.add_names(address, (*self._names.get(canonical_address(address), ()), name))

    def add_names(self, address: str, names: Iterable[str]) -> None:
        """Remember the names of an address, in addition to those before."""
        self._remember(self._names, address, names)

    def add_owner(self, address: str, words: Iterable[str]) -> None:
        """Remember words about the owner of an address, in addition to those before."""
        self._remember(self._owners, address, words)

    def add_word(self, word: str) -> None:
        """Make a word secret: the name of this machine, or of a router's interface."""
        if _WORD.fullmatch(word) and word not in self._words:
            self._words[word] = HIDDEN
            self._changed()

    def add_interface(self, name: str) -> None:
        """Make the name of an interface of this machine secret; its pseudonym can be revealed."""
        if _WORD.fullmatch(name) and name not in self._words:
            self._words[name] = self._pseudonym(name)
            self._changed()

    def _remember(self, where: dict[str, set[str]], address: str, words: Iterable[str]) -> None:
        known = where.setdefault(canonical_address(address), set())
        new = {word for word in words if _WORD.fullmatch(word)} - known
        if new:
            known |= new
            self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._pattern = None
        self._cache.clear()

    # --- finding them

    def replace_in(self, text: str) -> str:
        """Return the text with something else in place of each secret."""
        known = self._cache.get(text)
        if known is None:
            if len(self._cache) >= _MOST_CACHED:
                self._cache.clear()
            known = self._cache[text] = self._replaced(text)
        return known

    def _replaced(self, text: str) -> str:
        if not text:
            return text
        if self.is_hidden(text):
            return self._pseudonym(text)
        if _parse(text.partition("%")[0]) is not None:
            return text
        if self._pattern is None:
            self._pattern = self._compile()
        text = self._pattern.sub(self._stand_in, text)
        return _TOKEN.sub(lambda found: self._token(found[0]), text)

    def _token(self, token: str) -> str:
        """Return what stands for a part of a text that may be an address."""
        for tail in ("", token[len(token.rstrip(".:")) :], token[token.rfind(":") :]):
            bare = token.removesuffix(tail)
            for head in ("", bare[: len(bare) - len(bare.lstrip(".:"))]):
                core = bare.removeprefix(head)
                if _parse(core.partition("%")[0]) is not None:
                    return head + (self._pseudonym(core) if self.is_hidden(core) else core) + tail
        return _DOTTED.sub(
            lambda found: self._pseudonym(found[0]) if self.is_hidden(found[0]) else found[0], token
        )

    def _pseudonym(self, address: str) -> str:
        known = canonical_address(address)
        if known not in self._pseudonyms:
            name = f"{HIDDEN}-{len(self._pseudonyms) + 1}"
            self._pseudonyms[known] = name
            self._revealed[name] = address
        return self._pseudonyms[known]

    def _stand_in(self, found: re.Match[str]) -> str:
        return self._stand_ins.get(found[0].casefold(), HIDDEN)

    def _compile(self) -> re.Pattern[str]:
        """Return the pattern of all secret words, the longest first."""
        words = dict(self._words)
        seen: set[str] = set()
        for address, told in self._owners.items():
            if not self.is_hidden(address):
                seen |= told
        for address, told in self._owners.items():
            if self.is_hidden(address):
                words |= dict.fromkeys(told - seen, HIDDEN)
        for address, told in self._names.items():
            if self.is_hidden(address):
                words |= dict.fromkeys(told, self._pseudonym(address))
        words |= {name: self._pseudonym(name) for name in self._near if _parse(name) is None}
        words |= {sanitize(word): instead for word, instead in words.items()}
        self._stand_ins = {word.casefold(): instead for word, instead in words.items()}
        parts = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
        # with no word at all, a pattern that matches nowhere
        edges = rf"(?<![A-Za-z0-9])(?:{parts})(?![A-Za-z0-9])" if parts else r"(?!)"
        return re.compile(edges, re.IGNORECASE)
