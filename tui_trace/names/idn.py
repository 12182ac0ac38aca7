"""Internationalised domain names in both their forms."""

_PREFIX = "xn--"


def both_forms(name: str) -> str:
    """`bücher.example (xn--bcher-kva.example)`; a name that is no valid IDN stays as it is."""
    if _PREFIX not in name.lower():
        return name
    import idna

    read = []
    for label in name.split("."):
        try:
            read.append(idna.decode(label) if label.lower().startswith(_PREFIX) else label)
        except (UnicodeError, ValueError, IndexError):
            read.append(label)
    shown = ".".join(read)
    return name if shown == name else f"{shown} ({name})"
