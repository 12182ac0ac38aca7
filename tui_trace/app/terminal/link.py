"""How much may be on its way to the terminal.

The kernel tells nothing of what a pseudo-terminal has not taken (TIOCOUTQ is 0 there), and nobody
what lies in the buffers of ssh and of the network. So the terminal itself is asked: after what is
written comes the question how it is (DSR, `CSI 5 n`), and it answers once it has drawn all that was
written before. So much may be on its way as it draws in a moment.

A terminal that never answers, such as a script that reads the output, gets what the kernel takes.
Once the kernel took no more, it gets half of what it has been seen to take, so that what the kernel
stores for it drains.
"""

from collections import deque
from typing import NamedTuple

QUESTION = "\x1b[5n"
ANSWER = "\x1b[0n"

LEAST = 320
"""Bytes that may always be on their way: a third of a second at 960 bytes a second."""
_MOST = 1 << 20
_UNHEARD = 4096
"""Bytes that may be on their way before the first answer can be here."""
_PIECE = 1024
"""Bytes that a terminal which does not answer gets at once."""
_PATIENCE = 0.7
"""Seconds for the first answer; a terminal that has not answered then is held for silent."""
_STALLED = 5.0
"""Seconds without an answer after which a little more is written: it may have got lost."""
_QUICK = 0.15
"""Seconds more than the quickest answer until which a line is held for free."""
_SLOW = 0.4
"""Seconds more than the quickest answer from which on less may be on its way."""
_RARELY = 128
"""Bytes after which the terminal is asked."""
_SEEN = 0.5
"""Seconds for which a silent terminal is watched, and of which it may get its share at once."""
_SHARE = 0.5
_BETTER = 0.1
"""By how much of itself the share of a silent terminal grows in a second."""


class _Question(NamedTuple):
    asked: float
    written: int
    """Bytes until then, with the question."""


class Link:
    """Counts what is written, and says how much more may be.

    `now` is in seconds on a clock that runs evenly. An object belongs to one thread at a time.
    """

    def __init__(self, now: float) -> None:
        self._begun = now
        self._written = 0
        self._answered = 0
        """Of what was written, the bytes that the terminal has drawn for certain."""
        self._questions: deque[_Question] = deque()
        self._answers = False
        """It has answered once."""
        self._window = LEAST
        self._quickest = float("inf")
        self._share = _Share()

    @property
    def unanswered(self) -> int:
        """Bytes of which the terminal has not said that they are drawn."""
        return self._written - self._answered

    @property
    def awaits(self) -> bool:
        """A terminal that answers has not answered yet."""
        return self._answers and bool(self._questions)

    def is_silent(self, now: float) -> bool:
        """Whether it has not answered though it had the time to."""
        return not self._answers and now - self._begun > _PATIENCE

    def is_stalled(self, now: float) -> bool:
        """Whether an answer that has always come does not."""
        return self.awaits and now - self._questions[-1].asked > _STALLED

    def room(self, now: float) -> int:
        """Return how many bytes may be written now."""
        if self.is_silent(now):
            return min(self._share.room(now), _PIECE)
        if not self._answers:
            return min(max(_UNHEARD - self.unanswered, 0), _PIECE)
        if self.is_stalled(now):
            return LEAST
        if self._questions and now - self._questions[0].asked > self._quickest + _SLOW:
            return 0  # it has got slower, by how much the answer will say
        # asked a few times on the way, it does not run dry
        return min(max(self._window - self.unanswered, 0), max(self._window // 4, LEAST))

    def should_ask(self, now: float, *, waits: bool) -> bool:
        """Whether the question should follow; `waits`: for the answer, with what is still to do."""
        if self.is_silent(now):
            return False
        asked = self._questions[-1].written if self._questions else self._answered
        return self._written - asked >= (1 if waits else _RARELY)

    def wrote(self, count: int, now: float, *, asks: bool = False) -> None:
        """So many bytes were written, the question at their end if it `asks`."""
        self._written += count
        self._share.wrote(count)
        if asks:
            self._questions.append(_Question(now, self._written))

    def answer(self, now: float) -> None:
        """The terminal has answered a question."""
        self._answers = True
        if not self._questions:
            return
        question = self._questions.popleft()
        drawn, self._answered = question.written - self._answered, question.written
        waited = now - question.asked
        self._quickest = min(self._quickest, waited)
        if waited - self._quickest < _QUICK:
            at_least = max(2 * drawn, int(drawn / max(waited, 0.001) * _QUICK))
            self._window = min(max(self._window, at_least), _MOST)
        elif waited - self._quickest > _SLOW:
            self._window = max(self._window // 2, LEAST)

    def is_full(self, now: float) -> None:
        """The kernel takes no more."""
        self._share.is_full(now)


class _Share:
    """What a terminal gets that does not say what it has drawn."""

    def __init__(self) -> None:
        self._rate: float | None = None
        """Bytes a second; None: the kernel has always taken all."""
        self._allowed = 0.0
        self._looked = 0.0
        self._full = (float("-inf"), 0)
        """When the kernel was first full without a pause, and what had been written then."""
        self._last_full = float("-inf")
        self._written = 0

    def room(self, now: float) -> int:
        if self._rate is None:
            return _PIECE
        passed = now - self._looked
        self._looked = now
        self._rate *= 1 + _BETTER * min(passed, 1)
        self._allowed = min(self._allowed + self._rate * passed, self._rate * _SEEN)
        return max(int(self._allowed), 0)

    def wrote(self, count: int) -> None:
        self._written += count
        self._allowed -= count

    def is_full(self, now: float) -> None:
        if now - self._last_full > 2 * _SEEN:
            self._full = now, self._written
        self._last_full = now
        since, written = self._full
        if now - since > _SEEN:
            self._rate = max((self._written - written) / (now - since) * _SHARE, 1.0)
            self._looked = now
