"""Loss in percent, as a number and as text.

Only probes whose outcome is known count: those that were answered, and those whose wait passed.
"""


def loss_percent(lost: int, answered: int) -> float | None:
    """Return the loss in percent, 0 to 100; None if no outcome is known."""
    decided = lost + answered
    return 100.0 * lost / decided if decided else None


def format_loss(lost: int, answered: int) -> str:
    """Return the loss in percent as text; empty if no outcome is known.

    `0.0` means that no probe was lost, and `100.0` that all were: else it is `<0.1` or `>99.9`.
    """
    percent = loss_percent(lost, answered)
    if percent is None:
        return ""
    text = f"{percent:.1f}"
    if lost and text == "0.0":
        return "<0.1"
    return ">99.9" if answered and text == "100.0" else text
