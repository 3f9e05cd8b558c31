"""How many examples a property is tried with, as a share of what the profile says."""

from hypothesis import settings


def examples(times: float) -> settings:
    """So many times as many as usual: less for what is slow, more for what is quick and odd."""
    return settings(max_examples=round(settings().max_examples * times))
