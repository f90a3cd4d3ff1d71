"""Damaged files: a few edits of a valid one, or bytes that were never a file. Pure, by number."""

import re
from collections.abc import Callable
from random import Random

MOST = 1 << 18  # bytes of a damaged file
MADE_UP = 0.05  # share of files that are random bytes
_NUMBER = re.compile(rb"[0-9]+")
_NUMBERS = (b"0", b"-1", b"1", b"1e39", b"nan", b"inf", b"99999999999", b"9" * 19, b"9" * 400)
_LENGTHS = (0, 1, 7, 255, 1 << 20, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)
_PARTS = (b"[", b"{", b'"', b" ", b"\n", b"\t", b"\r", b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf")


def damaged(data: bytes, rng: Random) -> bytes:
    """A file that is not what it was, of at most `MOST` bytes.

    >>> damaged(b"7 4", Random(1)) == damaged(b"7 4", Random(1)) != b"7 4"
    True
    """
    if rng.random() < MADE_UP:
        return rng.randbytes(rng.randrange(1 << 12))
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(EDITS)(data, rng)[:MOST]
    return data


def flip(data: bytes, rng: Random) -> bytes:
    """Another bit."""
    if not data:
        return data
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(data: bytes, rng: Random) -> bytes:
    """Less at the end."""
    return data[: rng.randrange(len(data) + 1)]


def take_out(data: bytes, rng: Random) -> bytes:
    """Less in the middle."""
    first, last = _slice(data, rng)
    return data[:first] + data[last:]


def put_in(data: bytes, rng: Random) -> bytes:
    """Some bytes, or a mark that formats know."""
    place = rng.randrange(len(data) + 1)
    new = rng.choice(_PARTS) if rng.random() < 0.5 else rng.randbytes(rng.randint(1, 16))
    return data[:place] + new + data[place:]


def overwrite(data: bytes, rng: Random) -> bytes:
    """Other bytes in the place of some."""
    first, last = _slice(data, rng)
    return data[:first] + rng.randbytes(last - first) + data[last:]


def repeat(data: bytes, rng: Random) -> bytes:
    """A part, or a mark, again and again: a row twice, brackets without end."""
    first, last = _slice(data, rng)
    part = data[first:last] if rng.random() < 0.5 else rng.choice(_PARTS)
    times = 1 << rng.randrange(1 + min(17, (MOST // max(1, len(part))).bit_length()))
    if rng.random() >= 0.05:  # else large files take all the bytes
        times = min(times, 4)
    return data[:first] + part * times + data[first:]


def number(data: bytes, rng: Random) -> bytes:
    """Another number where digits are."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    first, last = rng.choice(found).span()
    return data[:first] + rng.choice(_NUMBERS) + data[last:]


def length(data: bytes, rng: Random) -> bytes:
    """Another length in the bytes of a whole number, most often where a file begins."""
    place = 0 if rng.random() < 0.5 else rng.randrange(len(data) + 1)
    size = rng.choice((4, 8))
    value = rng.choice(_LENGTHS) % (1 << 8 * size)
    return data[:place] + value.to_bytes(size, "little") + data[place + size :]


def _slice(data: bytes, rng: Random) -> tuple[int, int]:
    first, last = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return first, min(last, first + 64)


EDITS: tuple[Callable[[bytes, Random], bytes], ...] = (
    flip, cut, take_out, put_in, overwrite, repeat, number, length,
)  # fmt: skip
