"""Internationalised domain names (IDN) in Unicode and in ASCII."""

_PREFIX = "xn--"


def with_unicode_form(name: str) -> str:
    """Return `bücher.example (xn--bcher-kva.example)`; other names are returned as they are."""
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
