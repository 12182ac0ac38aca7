"""What comes out: the live view, or one of the reports."""

import enum


class Output(enum.Enum):
    """The sink of the events."""

    LIVE = "live"
    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    JSON_LINES = "lines"
