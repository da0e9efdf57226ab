"""Bodies that can be checked byte for byte: each is a piece of one long text, from a place that its seed names."""

import random

LENGTH = 1 << 20
_TEXT = random.Random(20261102).randbytes(LENGTH)
# Once more behind itself, so that a piece never has to go round.
_TWICE = memoryview(_TEXT + _TEXT)


def piece(seed, offset, count):
    """`count` bytes, at most LENGTH, of a body from an offset on."""
    start = (seed + offset) % LENGTH
    return _TWICE[start : start + count]
