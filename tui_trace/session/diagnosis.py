"""Diagnose: which of several settings, tried in turns, reaches the target; one sentence says it.

The settings take turns, so that whatever the network does to all of them, in bursts or not, falls
on each alike: among those that fail in one turn, each is as likely to be as any other. Against that
stands the claim that one of them never passes. Its *evidence* is multiplied in each turn by the
number of settings over the number of those that failed: a likelihood ratio of mean 1 if all are
alike, so that it ever exceeds 100 in at most one of 100 sessions, however often it is looked at
(Ville's inequality; Grünwald, de Heide and Koolen, Safe Testing, 2024). The claim that a setting
loses more is the same with odds in place of "never" (Fisher's noncentral hypergeometric).
"""

import math
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from tui_trace.core.probe_size import fit_size
from tui_trace.core.probe_text import describe_protocol, describe_tos
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import (
    DEFAULT_SIZE,
    ProbeSettings,
    Protocol,
    SettingsHistory,
    TcpFlags,
)
from tui_trace.core.word_lists import listed
from tui_trace.session.snapshot import Hop, Run

MOST_ROUNDS = 30
"""Rounds of each setting, at most."""
LEAST_ROUNDS = 7
"""Rounds of each setting before something is called silent: one that loses every other probe is so
in less than one session of 100 (2⁻⁷), and five in a network that loses 85 % in one of 300."""
_ERROR = 0.01
"""Sessions in which a claim may be wrong."""
_ODDS = 12.0
"""Odds by which the evidence for more loss is reckoned: less misses small losses of one setting in
a clean network, more misses large ones in a network that loses itself."""
_ETHERNET = 1500
_EF = 0xB8
_HTTPS = 443


def settings_to_try(
    switches: SettingsHistory, family: int, egress_mtu: int = 0
) -> tuple[ProbeSettings, ...]:
    """Return settings that differ by protocol, port, size and mark, those in use last.

    `egress_mtu` is that of the interface in bytes, 0 if it is not known; `family` is 4 or 6.
    """
    now = switches.current
    plain = _plain(now, family)
    largest = min(egress_mtu or _ETHERNET, _ETHERNET)
    tried = [
        _plain(replace(now, protocol=Protocol.ICMP, port=0), family),
        _plain(replace(now, protocol=Protocol.UDP, port=switches.port_of(Protocol.UDP)), family),
        _plain(replace(now, protocol=Protocol.TCP, port=_HTTPS, tcp_flags=TcpFlags.SYN), family),
        plain,
        replace(plain, size=max(largest, plain.size), df=True),
        replace(plain, tos=_EF),
    ]
    in_use = fit_size(replace(now, flows=1), family)[0]
    return (*(one for one in dict.fromkeys(tried) if one != in_use), in_use)


def _plain(settings: ProbeSettings, family: int) -> ProbeSettings:
    size = DEFAULT_SIZE[settings.protocol]
    return fit_size(replace(settings, size=size, tos=0, df=False, flows=1), family)[0]


class Trial(msgspec.Struct, frozen=True):
    """One setting, and what became of its probes to the target."""

    run: Run
    protocol: str
    """`TCP 443`"""
    extra: str
    """What sets it apart from the plain setting of its protocol: `1500 bytes with DF`; or empty."""
    plain: int
    """Place among the trials of that plain setting; its own if it is plain, or has none."""

    @property
    def answered(self) -> int:
        """Return how many probes the target answered."""
        return self.run.target_answered.bit_count()

    @property
    def rounds(self) -> int:
        """Return how many probes to the target were answered or lost."""
        return self.answered + self.run.target_lost.bit_count()

    @property
    def is_unsent(self) -> bool:
        """Return whether this machine cannot send it."""
        is_heard_of = self.rounds or any(hop.sent for hop in self.run.hops)
        return self.run.rounds > 1 and not is_heard_of

    @property
    def name(self) -> str:
        """Return the setting in words: `ICMP echo, 1500 bytes with DF`."""
        return ", ".join(filter(None, (self.protocol, self.extra)))

    @property
    def target(self) -> Hop | None:
        """Return the target's row; None if it never answered."""
        return next((hop for hop in self.run.hops if hop.is_target), None)

    @property
    def last(self) -> Hop | None:
        """Return the farthest hop that answered; None if none did."""
        return next((hop for hop in reversed(self.run.hops) if hop.figures.count), None)

    @property
    def refusal(self) -> Hop | None:
        """Return the hop where the last probe was refused with an ICMP error; None: none was."""
        refused = (hop for hop in reversed(self.run.hops) if hop.reason and hop.reason.marks)
        return next(refused, None)


class Diagnosis(msgspec.Struct, frozen=True):
    """What turns of several settings have shown."""

    trials: tuple[Trial, ...]
    silent: frozenset[int]
    """Places of the trials that never reach the target, for sure."""
    losing: frozenset[int]
    """Places of those that lose more than others do, for sure."""
    sentence: str
    is_settled: bool
    """More rounds would add nothing."""


def diagnose(runs: Sequence[Run], *, is_over: bool) -> Diagnosis:
    """Return what these runs, which take or took turns, have shown.

    `is_over`: there will be no more rounds.
    """
    trials = _trials(runs)
    sent = [place for place, trial in enumerate(trials) if not trial.is_unsent]
    enough = 1 / _ERROR * len(trials)
    silent, losing = set(), set()
    for place in sent:
        trial = trials[place]
        never, more = likelihood_ratios(trial, _peers(place, trials))
        if trial.answered:
            if more >= enough:
                losing.add(place)
        elif never >= enough and trial.rounds >= LEAST_ROUNDS:
            silent.add(place)
    # of a variant of what is silent itself nothing can be said
    moot = {place for place in sent if trials[place].plain in silent - {place}}
    open_ = [one for one in sent if not trials[one].answered and one not in silent | moot]
    full = bool(sent) and min(trials[place].rounds for place in sent) >= LEAST_ROUNDS
    nothing = full and not any(trials[place].answered for place in sent)
    is_settled = is_over or nothing or (full and bool(silent) and not open_)
    words = _Words(trials, sent, frozenset(silent), frozenset(losing), frozenset(moot))
    sentence = words.nothing() if nothing else words.claims(open_, is_over=is_over)
    if not is_settled:
        fewest = min((trials[place].rounds for place in sent), default=0)
        all_reach = fewest and all(trials[place].answered for place in sent)
        sentence = sentence or (
            "All settings reach the target so far." if all_reach else "Not sure yet."
        )
        sentence += f" ({fewest} of at most {MOST_ROUNDS} rounds each)"
    return Diagnosis(trials, frozenset(silent), frozenset(losing), sentence, is_settled)


def _trials(runs: Sequence[Run]) -> tuple[Trial, ...]:
    """Return the plain settings of all protocols, then their variants."""
    by_protocol: dict[str, list[Run]] = {}
    for run in runs:
        by_protocol.setdefault(_protocol(run), []).append(run)
    least = {name: min(run.settings.size for run in same) for name, same in by_protocol.items()}
    known = list(Protocol)
    named = [(run, _protocol(run), _extra(run.settings, least[_protocol(run)])) for run in runs]
    named.sort(key=lambda one: (one[2] != "", known.index(one[0].settings.protocol)))
    plain: dict[str, int] = {}
    return tuple(
        Trial(run, protocol, extra, plain.setdefault(protocol, place))
        for place, (run, protocol, extra) in enumerate(named)
    )


def _protocol(run: Run) -> str:
    return describe_protocol(run.settings).replace(" port ", " ")


def _extra(settings: ProbeSettings, least: int) -> str:
    """Return what sets it apart from the plain setting of its protocol, of `least` bytes."""
    words = []
    if settings.size > least:
        words.append(f"{settings.size} bytes{' with DF' if settings.df else ''}")
    elif settings.df:
        words.append("DF")
    if settings.tos:
        words.append(f"TOS {describe_tos(settings.tos)}")
    return ", ".join(words)


# --- evidence


def _peers(place: int, trials: Sequence[Trial]) -> list[Trial]:
    """Return those that a trial is compared with: plain ones, or the plain one of its protocol."""
    plain = trials[place].plain
    if plain != place:
        return [trials[plain]]
    return [one for at, one in enumerate(trials) if one.plain == at != place and not one.is_unsent]


def likelihood_ratios(trial: Trial, peers: Sequence[Trial]) -> tuple[float, float]:
    """Return the evidence that a trial is never answered, and that it loses more than its peers.

    The first is that of a trial without any answer. If it is treated as its peers are, the mean of
    each is 1. A peer takes part from the turn after its first answer on: one that is filtered tells
    nothing, and to choose it by the turn that is reckoned would raise the mean.
    """
    answered, lost = trial.run.target_answered, trial.run.target_lost
    never, more = 0.0, 0.0
    heard: list[Trial] = []
    for turn in range((answered | lost).bit_length()):
        bit = 1 << turn
        taking_part = [one.run for one in heard]
        heard = [one for one in peers if one in heard or one.run.target_answered & bit]
        everyone = [trial.run, *taking_part]
        if not all((one.target_answered | one.target_lost) & bit for one in everyone):
            continue
        count = len(everyone)
        failed = sum(1 for one in everyone if one.target_lost & bit)
        if lost & bit:
            never += math.log(count / failed)
            more += math.log(_ODDS)
        more += math.log(count / (_ODDS * failed + count - failed))
    return math.exp(min(never, 700.0)), math.exp(min(more, 700.0))


# --- words


class _Words(msgspec.Struct, frozen=True):
    """What is sure of the trials, put into sentences."""

    trials: tuple[Trial, ...]
    sent: list[int]
    silent: frozenset[int]
    losing: frozenset[int]
    moot: frozenset[int]

    def nothing(self) -> str:
        """Return the sentence for when the target never answered."""
        hops = [hop for place in self.sent if (hop := self.trials[place].last) is not None]
        if not hops:
            return "Nothing reaches the target whatever the setting; no hop answers."
        last = max(hops, key=lambda hop: hop.ttl)
        return f"Nothing reaches the target whatever the setting; last answer {_place(last)}."

    def claims(self, open_: Sequence[int], *, is_over: bool) -> str:
        """Return a sentence for each claim; `open_` are those of which nothing is sure yet."""
        claims = self._protocols() + [
            self._variant(self.trials[place])
            for place in sorted(self.silent)
            if self.trials[place].plain != place
        ]
        claims += [self._loss(place) for place in sorted(self.losing)]
        if is_over and open_:
            names = listed([self.trials[place].name for place in open_])
            claims.append(f"{names}: no answer, and too few of the others to tell why.")
        elif is_over and not claims:
            claims.append(self._alike())
        return " ".join(claims)

    def _protocols(self) -> list[str]:
        plain = [self.trials[place] for place in self.sent if self.trials[place].plain == place]
        filtered = [one for place, one in enumerate(self.trials) if place in self.silent]
        filtered = [one for one in filtered if one in plain]
        passing = [one for one in plain if one.answered]
        if not filtered or not passing:
            return []
        names = listed([one.protocol for one in passing])
        if len(passing) == 1 and len(filtered) > 1:
            said = f"Only {names} reaches the target: " + "; ".join(map(_end, filtered))
        else:
            verb = "reaches" if len(passing) == 1 else "reach"
            head = listed([one.protocol for one in filtered])
            is_ = "is" if len(filtered) == 1 else "are"
            only = "Only " if len(filtered) == 1 and len(passing) > 1 else ""
            said = f"{only}{head} {is_} filtered: {names} {verb} the target; "
            said += "; ".join(map(_end, filtered))
        told = [said + "."]
        if self.moot:
            told.append(f"{listed([one.protocol for one in filtered])} cannot tell size and mark.")
        return told

    def _variant(self, trial: Trial) -> str:
        plain = self.trials[trial.plain].run.settings
        settings = trial.run.settings
        refusal = trial.refusal
        if settings.size > plain.size and settings.tos == plain.tos:
            if refusal is not None and refusal.reason is not None:
                marks = " ".join(refusal.reason.marks)
                return (
                    f"{trial.extra} are refused by {sanitize(refusal.reason.address)} before hop"
                    f" {refusal.ttl} ({sanitize(marks)}), {plain.size} bytes pass."
                )
            is_syn = settings.protocol is Protocol.TCP and settings.tcp_flags is not TcpFlags.ACK
            why = (
                "a black hole, or a SYN that carries data is dropped there (i or u, then D, tells"
                " which)"
                if is_syn
                else "a black hole (--mtu finds the size)"
            )
            return f"{trial.extra} vanish {_after(trial)}, {plain.size} bytes pass: {why}."
        return f"{trial.extra} is filtered: {_end(trial)}; without it the target is reached."

    def _loss(self, place: int) -> str:
        trial, peers = self.trials[place], _peers(place, self.trials)
        heard = [one for one in peers if one.answered]
        rounds = sum(one.rounds for one in heard)
        lost = rounds - sum(one.answered for one in heard)
        others = heard[0].protocol if trial.plain != place else "the others"
        return (
            f"{trial.name} loses more: {trial.rounds - trial.answered} of {trial.rounds} probes,"
            f" {others} {lost} of {rounds}."
        )

    def _alike(self) -> str:
        lost = sum(self.trials[one].rounds - self.trials[one].answered for one in self.sent)
        rounds = min(self.trials[one].rounds for one in self.sent) if self.sent else 0
        if not rounds:
            return "No setting was tried."
        said = "All settings reach the target alike: not the protocol, the size or the mark"
        if lost:
            total = sum(self.trials[one].rounds for one in self.sent)
            return f"{said}. {100 * lost / total:.0f} % are lost whatever the setting."
        least = 100 * (1 - _ERROR ** (1 / rounds))
        return f"{said} (a loss of one of them of {least:.0f} % or more would have shown)."


def _place(hop: Hop) -> str:
    address = hop.responders[0].address if hop.responders else ""
    return sanitize(f"hop {hop.ttl} {address}".rstrip())


def _after(trial: Trial) -> str:
    return "on the first link" if trial.last is None else f"after {_place(trial.last)}"


def _end(trial: Trial) -> str:
    refusal, last = trial.refusal, trial.last
    if refusal is not None and refusal.reason is not None:
        marks, who = " ".join(refusal.reason.marks), refusal.reason.address
        return sanitize(f"{trial.protocol} is refused by hop {refusal.ttl} {who} ({marks})")
    if last is None:
        return f"no hop answers {trial.protocol}"
    return f"{_place(last)} is the last that answers {trial.protocol}"
