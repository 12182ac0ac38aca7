"""The finders: each looks at a session for one kind of finding, or a few that exclude another."""

from tui_trace.session.evidence import Finder
from tui_trace.session.finders.settings_filtered import find_filtered
from tui_trace.session.finders.settings_loss import find_setting_loss

QUICK_FINDERS: list[Finder] = [find_filtered]
"""Those that look once a round: a few microseconds a hop."""
THOROUGH_FINDERS: list[Finder] = [find_setting_loss]
"""Those that look once in 8 to 16 rounds."""
