"""What static/base/unpacking.js does with letters, in the plainest way."""

from __future__ import annotations

from tbp.report.parts.packing import BASE, LETTERS


def unpacked(text: str) -> list[int | None]:
    """Letters → whole numbers, None for what is missing."""
    found: list[int | None] = []
    number, unit, is_gap = 0, 1, False
    for letter in text:
        if letter == "~":
            is_gap = True
            continue
        more, digit = divmod(LETTERS.index(letter), BASE)
        number, unit = number + digit * unit, unit * BASE
        if not more:
            value = -(number // 2) if number % 2 else number // 2
            found += [None] * value if is_gap else [value]
            number, unit, is_gap = 0, 1, False
    return found


def sums(numbers: list[int | None]) -> list[int | None]:
    """Differences → numbers."""
    last, found = 0, []
    for number in numbers:
        last += number or 0
        found.append(None if number is None else last)
    return found


def places(text: str) -> list[int]:
    """How many are left out, how many follow each other, and so on → places."""
    free, found = 0, []
    numbers = unpacked(text)
    for skipped, count in zip(numbers[::2], numbers[1::2], strict=True):
        found += range(free + skipped, free + skipped + count)
        free += skipped + count
    return found
