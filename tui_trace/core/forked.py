"""A child that was forked from this program to go on as a process of its own."""

import itertools
import os
import signal

_MOST_FILES = 1 << 16


def detach(keep: tuple[int, ...]) -> None:
    """Begin a session and close the parent's files, except those to `keep`; for the child.

    Ctrl-C and Ctrl-Z do not reach it any more, and its standard streams lead nowhere.
    """
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    edges = [2, *sorted(keep), min(os.sysconf("SC_OPEN_MAX"), _MOST_FILES)]
    for low, high in itertools.pairwise(edges):
        os.closerange(low + 1, high)
