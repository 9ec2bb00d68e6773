"""Numbers and state vectors as Yjs writes them (format v1)."""

from __future__ import annotations

# Each page that is opened and typed into adds one client for ever.
MAX_CLIENTS = 200_000
# yrs keeps clocks in 32 bits, yjs client numbers in 53.
MAX_CLOCK = 2**31
MAX_CLIENT = 2**53


class BadUpdate(ValueError):
    """The bytes are not an update, or one that yjs fails on, or one that is refused; the text says why."""


def read_number(data: bytes, p: int) -> tuple[int, int]:
    """Return the variable-length number at `p`, and its end; raises BadUpdate, or IndexError at the end."""
    number = data[p]
    p += 1
    if number < 128:
        return number, p
    number &= 127
    shift = 7
    while True:
        byte = data[p]
        p += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, p
        shift += 7
        if shift > 56:
            raise BadUpdate("A number is too large.")


def write_number(number: int) -> bytes:
    """Return a number in the format of read_number()."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_vector(data: bytes, most: int = MAX_CLIENTS) -> dict[int, int]:
    """Return a state vector, client -> the clock behind its last item; raises BadUpdate.

    `most`: how many clients it may have.
    """
    try:
        count, p = read_number(data, 0)
        if count > most:
            raise BadUpdate("It has too many clients.")
        known = {}
        for _ in range(count):
            client, p = read_number(data, p)
            clock, p = read_number(data, p)
            if client >= MAX_CLIENT or clock > MAX_CLOCK:
                raise BadUpdate("A number is too large.")
            known[client] = clock
    except IndexError:
        raise BadUpdate("It is cut short.") from None
    if p != len(data):
        raise BadUpdate("There is something behind its end.")
    return known
