"""A decoder for CCITT Group 4 of our own, written from ITU-T T.6: what libtiff coded is not only read by libtiff."""

from __future__ import annotations

_WHITE = (
    "00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 110101 101010 101011 "
    "0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 0100100 0011000 00000010 00000011 "
    "00011010 00011011 00010010 00010011 00010100 00010101 00010110 00010111 00101000 00101001 00101010 00101011 "
    "00101100 00101101 00000100 00000101 00001010 00001011 01010010 01010011 01010100 01010101 00100100 00100101 "
    "01011000 01011001 01011010 01011011 01001010 01001011 00110010 00110011 00110100"
)
_BLACK = (
    "0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111 000011000 "
    "0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 00000101000 00000010111 "
    "00000011000 000011001010 000011001011 000011001100 000011001101 000001101000 000001101001 000001101010 "
    "000001101011 000011010010 000011010011 000011010100 000011010101 000011010110 000011010111 000001101100 "
    "000001101101 000011011010 000011011011 000001010100 000001010101 000001010110 000001010111 000001100100 "
    "000001100101 000001010010 000001010011 000000100100 000000110111 000000111000 000000100111 000000101000 "
    "000001011000 000001011001 000000101011 000000101100 000001011010 000001100110 000001100111"
)
_WHITE_LONG = (
    "11011 10010 010111 0110111 00110110 00110111 01100100 01100101 01101000 01100111 011001100 011001101 011010010 "
    "011010011 011010100 011010101 011010110 011010111 011011000 011011001 011011010 011011011 010011000 010011001 "
    "010011010 011000 010011011"
)
_BLACK_LONG = (
    "0000001111 000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100 "
    "0000001101101 0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011 0000001110100 "
    "0000001110101 0000001110110 0000001110111 0000001010010 0000001010011 0000001010100 0000001010101 0000001011010 "
    "0000001011011 0000001100100 0000001100101"
)
_LONGER = (
    "00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 000000010110 "
    "000000010111 000000011100 000000011101 000000011110 000000011111"
)


def _runs(short: str, long: str) -> dict[str, int]:
    table = {code: length for length, code in enumerate(short.split())}
    table |= {code: 64 * (number + 1) for number, code in enumerate(long.split())}
    return table | {code: 1792 + 64 * number for number, code in enumerate(_LONGER.split())}


_RUNS = (_runs(_WHITE, _WHITE_LONG), _runs(_BLACK, _BLACK_LONG))
_VERTICAL = {"1": 0, "011": 1, "000011": 2, "0000011": 3, "010": -1, "000010": -2, "0000010": -3}
_PASS, _HORIZONTAL, _END = "0001", "001", "000000000001000000000001"


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._text = f"{int.from_bytes(bytes([1]) + data, 'big'):b}"[1:]
        self._at = 0

    def next_of(self, table: dict[str, int] | dict[str, str]) -> int | str:
        """The entry of the code that comes next; codes are prefix-free."""
        for length in range(1, 25):
            code = self._text[self._at : self._at + length]
            if code in table:
                self._at += length
                return table[code]
        raise ValueError(f"no code at bit {self._at}: {self._text[self._at : self._at + 24]}")

    def run(self, color: int) -> int:
        """A run of `color`, with the codes of its long parts."""
        total = 0
        while (part := int(self.next_of(_RUNS[color]))) >= 64:
            total += part
        return total + part

    @property
    def rest(self) -> str:
        """What was not read."""
        return self._text[self._at :]


_MODES: dict[str, str] = {code: f"v{shift}" for code, shift in _VERTICAL.items()} | {
    _PASS: "pass",
    _HORIZONTAL: "horizontal",
    _END: "end",
}


def decode(data: bytes, width: int) -> bytes:
    """The packed rows, 1 is what the code calls black. Raises ValueError for anything but a whole, ended picture."""
    bits = _Bits(data)
    above: list[int] = []
    rows = []
    while (mode := bits.next_of(_MODES)) != "end":
        changes: list[int] = []
        at, color = -1, 0
        while True:
            first = _change(above, at, color, width)
            if mode == "pass":
                at = _change(above, first, 1 - color, width)
            elif mode == "horizontal":
                begin = max(at, 0)
                middle = begin + bits.run(color)
                at = middle + bits.run(1 - color)
                changes += [middle, at]
            else:
                at = first + int(str(mode)[1:])
                changes.append(at)
                color = 1 - color
            if at > width:
                raise ValueError(f"a row of {at} pixels")
            if at == width:
                break
            mode = bits.next_of(_MODES)
            if mode == "end":
                raise ValueError("the code ends within a row")
        rows.append(_row(changes, width))
        above = changes
    if bits.rest.strip("0") or len(bits.rest) > 7:
        raise ValueError(f"{len(bits.rest)} bits behind the end")
    return b"".join(rows)


def _change(above: list[int], at: int, color: int, width: int) -> int:
    """The first place right of `at` where the row above changes to the other colour than `color`."""
    for number, place in enumerate(above):
        if place > at and number % 2 == color:
            return min(place, width)
    return width


def _row(changes: list[int], width: int) -> bytes:
    text, color, last = [], "0", 0
    for place in [*changes, width]:
        text.append(color * (place - last))
        color, last = "1" if color == "0" else "0", place
    packed = (width + 7) // 8
    return int("".join(text).ljust(packed * 8, "0"), 2).to_bytes(packed, "big")
