"""Fractions as people read them."""

from __future__ import annotations


def percent(fraction: float | None) -> str:
    """A fraction as percent with one digit, a dash for none.

    >>> percent(0.3184), percent(None)
    ('31.8', '–')
    """
    return "–" if fraction is None else f"{100 * fraction:.1f}"
