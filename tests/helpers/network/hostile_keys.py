"""Strings of bytes that a terminal could send, made by chance: sequences, halves of them, noise."""

import random
import re
from collections.abc import Iterator

NUMBERS = (0, 1, 2, 5, 27, 48, 65, 200, 201, 1000, 2048, 65535, 1 << 31, 1 << 32, 10**9, 10**18)
FINALS = "ABCDEFGHIJKLMPQRSTZabcdfhilmnrstuxyz~@^$"
ENCLOSED = ("\x1b]{}\x07", "\x1b]{}\x1b\\", "\x1bP{}\x1b\\", "\x1b_{}\x1b\\", "\x1b]{}", "\x1bX{}")
TEXTS = ("é€𝄞", "a\u0301\u0301\u0301", "\u202e\u200b\ufeff", "\x00\x00", "٣३", "日本", "\ufffd")
_ROWS_WITHOUT_BUTTONS = 30
# what leaves: q, Ctrl-C, Ctrl-Q, Ctrl-\; and Ctrl-P, where everything can be chosen, leaving too
_LEAVES = bytes.maketrans(b"qQ\x03\x11\x10\x1c", b"sS\x04\x12\x02\x1d")
_LEAVES_SPELT = re.compile(rb"113|99|112|81|67|80|92|28")


def strings(seed: int, count: int) -> Iterator[bytes]:
    """So many strings, the same for the same seed; none of them asks to leave."""
    chance = random.Random(seed)
    made = 0
    while made < count:
        data = _string(chance).translate(_LEAVES)
        if chance.random() < 0.3:
            data = _mutated(chance, data).translate(_LEAVES)
        if not _LEAVES_SPELT.search(data):
            made += 1
            yield data


def _string(chance: random.Random) -> bytes:
    kind = chance.randrange(9)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 40))
    if kind == 1:
        return chance.choice((b"\xff", b"\xe9", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88", b"\x00"))
    if kind == 2:
        return _mouse(chance).encode()
    if kind == 3:
        return "\x1b[48;{};{};{};{}t".format(*(_number(chance) for _ in range(4))).encode()
    if kind == 4:
        return chance.choice(ENCLOSED).format(_text(chance)).encode("utf-8", "replace")
    if kind == 5:
        end = chance.choice(("\x1b[201~", "\x1b[201~", "\x1b[201", ""))
        return f"\x1b[200~{_text(chance) * chance.choice((0, 1, 9))}{end}".encode()
    if kind == 6:
        return _text(chance).encode()
    return _control(chance).encode()


def _number(chance: random.Random) -> str:
    if chance.random() < 0.1:
        return chance.choice(("", "-1", "9" * 40, "1:2:3", ":", "٣"))
    return str(chance.choice(NUMBERS))


def _control(chance: random.Random) -> str:
    mark = chance.choice(("", "", "", "?", "<", ">", "="))
    numbers = chance.choice((";", ";", ":")).join(
        _number(chance) for _ in range(chance.randrange(5))
    )
    between = chance.choice(("", "", "", "$", " ", "!"))
    return f"\x1b{chance.choice('[[[[O')}{mark}{numbers}{between}{chance.choice(FINALS)}"


def _mouse(chance: random.Random) -> str:
    row = chance.choice((chance.randrange(1, _ROWS_WITHOUT_BUTTONS), -3, 0, 10**4, 10**9, 10**18))
    column = chance.choice((chance.randrange(1, 120), -3, 0, 10**4, 10**9))
    button = chance.choice((0, 1, 2, 3, 32, 35, 64, 65, 66, 67, 96, 128, 10**9))
    if chance.random() < 0.1:
        return "\x1b[M" + "".join(chr(chance.randrange(32, 255)) for _ in range(3))
    return f"\x1b[<{button};{column};{row}{chance.choice('Mm')}"


def _text(chance: random.Random) -> str:
    if chance.random() < 0.3:
        return chance.choice(TEXTS)
    letters = "abcdefghijklmnoprstuvwxyzABCDEFGHSPTX0123456789 +-/?[]\r\t\x7f\x1b;:.,\x15"
    return "".join(chance.choice(letters) for _ in range(chance.randrange(12)))


def _mutated(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        if not changed:
            break
        place = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[place] = chance.randrange(256)
            case 1:
                del changed[place:]
            case 2:
                del changed[place]
            case _:
                changed[place:place] = changed[place:] * chance.choice((1, 2, 20))
    return bytes(changed[:4000])
