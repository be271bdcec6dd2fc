"""One answer in many forms, and answers that can never be right; what exercises are tried with."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from numbers import Integral, Real

import numpy as np

Named = Iterator[tuple[str, object]]  # (what it is, an answer)


def forms(answer: object) -> Iterator[object]:
    """Yield an answer as given, then in plain forms that mean the same; each once.

    Examples
    --------
    >>> list(forms((np.array([1.0, 2.0]), " b ")))[1:]
    [[[1.0, 2.0], 'b'], [1.0, 2.0, 'b']]
    """
    if callable(answer):
        yield answer
        return
    simple = plain(answer)
    found = [simple]
    if isinstance(simple, list):
        parts = flat(simple)
        found += [parts[0]] if len(parts) == 1 else [parts, [parts[:-1], *parts[-1:]]]
    # A dict's names are no part of the answer, so its values are looked at first.
    found = [*found, answer] if isinstance(answer, dict) else [answer, *found]
    seen = set()
    for form in found:
        if (written := f"{type(form).__name__} {form!r}") not in seen:
            seen.add(written)
            yield form


def same_answers(answer: object) -> Named:
    """Yield (how it is written, the same answer written so)."""
    if isinstance(answer, type):
        return
    if callable(answer):
        yield "a function that gives lists", _then(answer, plain)
        yield "a function that gives arrays", _then(answer, _array)
        return
    import pandas as pd

    simple = plain(answer)
    if not isinstance(simple, list):
        yield from _same_ones(simple)
        yield "a list of one", [simple]
        yield "a Series of one", pd.Series([simple], index=["answer"])
        return
    yield "a list", simple
    yield "a tuple", tuple(simple)
    yield "an array", _array(simple)
    yield "a Series", pd.Series(simple, index=[f"part {n}" for n in range(len(simple))])
    yield "a dict", {f"part {n}": one for n, one in enumerate(simple)}
    yield "a flat list", flat(simple)
    for kind, parts in _part_by_part(simple):
        yield f"parts each {kind}", parts


def wrong_answers(answer: object) -> Named:
    """Yield (what is wrong, an answer that must not pass)."""
    yield from (("a text", "no answer"), ("nothing", None), ("not a number", np.nan))
    yield from (("an empty list", []), ("an empty text", ""), ("an object", object()))
    if callable(answer):
        for kind, value in (("nothing", None), ("not a number", np.nan), ("a text", "none")):
            yield f"a function that gives {kind}", lambda *_, value=value: value
        yield "a function that fails", lambda *_: 1 / 0
        yield "a number", 0.5
        return
    simple = plain(answer)
    if not isinstance(simple, list):
        yield from _wrong_ones(simple)
        yield "twice the same", [simple, simple]
        return
    yield "without the last", simple[:-1]
    yield "with one more", [*simple, simple[-1]]
    for kind, turned in (("reversed", simple[::-1]), ("one place on", [*simple[1:], simple[0]])):
        if turned != simple:
            yield kind, turned
    for n, one in enumerate(simple):
        if not isinstance(one, list):
            for kind, other in (*_wrong_ones(one), ("nothing", None)):
                yield f"part {n} as {kind}", [*simple[:n], other, *simple[n + 1 :]]


def plain(value: object) -> object:
    """Return a value as Python's own numbers, texts and lists; texts without what surrounds them.

    Examples
    --------
    >>> plain({"place": np.int64(3), "letter": "(b)"})
    [3, 'b']
    """
    if isinstance(value, dict):
        value = list(value.values())
    elif hasattr(value, "tolist"):  # arrays, NumPy's numbers, Series, Index
        value = value.tolist()
    elif isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, str):
        return str(value).strip(" \t\n().'\"")
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def flat(values: list) -> list:
    """Return the parts of nested lists as one list."""
    return [x for one in values for x in (flat(one) if isinstance(one, list) else [one])]


def _array(value: object) -> object:
    """Return numbers as an array of floats, a list of anything else as one of objects."""
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        pass
    if not isinstance(value, list):
        return value
    mixed = np.empty(len(value), dtype=object)
    mixed[:] = value
    return mixed


def _then(function: Callable, change: Callable) -> Callable:
    """Return a function whose numbers and arrays come in another form."""

    @functools.wraps(function)
    def changed(*arguments):
        found = function(*arguments)
        if isinstance(found, dict):
            return found
        return tuple(map(change, found)) if isinstance(found, tuple) else change(found)

    return changed


def _same_ones(one: object) -> Named:
    """Yield a single number or text in other ways."""
    if isinstance(one, str):
        yield from (("in capitals", one.upper()), ("between blanks", f" {one} "))
        yield "NumPy's text", np.str_(one)
        if len(one) == 1:
            yield from (("in brackets", f"({one})"), ("with a bracket", f"{one})"))
    elif _is_number(one):
        yield from (("a float", float(one)), ("NumPy's number", np.float64(one)))
        yield "an array of no dimension", np.array(one)
        if np.isfinite(one) and float(one).is_integer():
            yield from (("a whole number", int(one)), ("NumPy's whole number", np.int64(one)))
        else:
            yield "three digits", float(f"{one:.3g}")


def _part_by_part(parts: list) -> Named:
    """Yield a list with all parts written in one of their other ways."""
    ways = [
        {"a tuple": tuple(one), "an array": _array(one), **dict(_part_by_part(one))}
        if isinstance(one, list)
        else dict(_same_ones(one))
        for one in parts
    ]
    for kind in dict.fromkeys(kind for way in ways for kind in way):
        yield kind, [way.get(kind, one) for way, one in zip(ways, parts, strict=True)]


def _wrong_ones(one: object) -> Named:
    """Yield what is wrong in a right one's place."""
    if isinstance(one, str):
        yield from (("another text", f"{one}?!x"), ("a number", 0.5))
    elif _is_number(one):
        yield from (("not a number", np.nan), ("a text", "none"))
        if one:
            yield "with its sign turned", -one
        if isinstance(one, Integral):
            yield from (("one more", one + 1), ("one less", one - 1))
        elif np.isfinite(one):
            yield from (("twice", 2 * one + 0.1), ("endless", np.inf))


def _is_number(one: object) -> bool:
    return isinstance(one, Real) and not isinstance(one, bool)
