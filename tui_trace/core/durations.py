"""A length of time as text."""

from tui_trace.core.settings import NS_PER_S


def format_duration(duration: int) -> str:
    """Return nanoseconds as `0:42`, `1:02:03` or `1d 06:00:00`."""
    minutes, seconds = divmod(duration // NS_PER_S, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}:{minutes:02}:{seconds:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
