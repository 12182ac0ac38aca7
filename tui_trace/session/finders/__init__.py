"""The finders: each looks at a session for one kind of finding, or a few that exclude another."""

from tui_trace.session.evidence import Finder
from tui_trace.session.finders.all_well import find_all_well
from tui_trace.session.finders.own_answers import find_lost_answers
from tui_trace.session.finders.path_moves import find_alternation, find_loop, find_path_moves
from tui_trace.session.finders.queueing import find_queue, find_slow_answers
from tui_trace.session.finders.repeated_replies import find_repeated_replies
from tui_trace.session.finders.rewrites import find_rewrites
from tui_trace.session.finders.settings_filtered import find_filtered
from tui_trace.session.finders.settings_loss import find_setting_loss
from tui_trace.session.finders.settings_passed import find_passed
from tui_trace.session.finders.silence import find_silence
from tui_trace.session.finders.slowdown import find_slowdown
from tui_trace.session.finders.target_loss import find_target_loss
from tui_trace.session.finders.way_back import find_way_back
from tui_trace.session.finders.way_loss import find_way_loss

QUICK_FINDERS: list[Finder] = [find_filtered, find_silence, find_path_moves, find_way_loss]
"""Those that look once a round: a few microseconds a hop."""
THOROUGH_FINDERS: list[Finder] = [
    find_setting_loss,
    find_passed,
    find_target_loss,
    find_slowdown,
    find_queue,
    find_loop,
    find_alternation,
    find_rewrites,
    find_lost_answers,
    find_slow_answers,
    find_way_back,
    find_repeated_replies,
    find_all_well,
]
"""Those that look once in 8 to 16 rounds."""
