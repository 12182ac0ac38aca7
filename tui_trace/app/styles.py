"""Where the style sheets are: next to the package in a wheel, at the root of a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "styles", _PACKAGE.parent / "styles")


def style_path(name: str) -> Path:
    """The style sheet of a screen; `FileNotFoundError` if the installation is broken."""
    for place in _PLACES:
        path = place / f"{name}.tcss"
        if path.is_file():
            return path
    raise FileNotFoundError(f"no style sheet {name}.tcss in {' or '.join(map(str, _PLACES))}")


def sheets(*names: str) -> str:
    """These style sheets as one text: read while files may still be read, not when drawn."""
    return "\n".join(style_path(name).read_text(encoding="utf-8") for name in names)
