"""How Hypothesis draws its examples: no deadline, for machines are busy; `--hypothesis-profile thorough` tries many more."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("quick", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=1000)
if settings.get_current_profile_name() == "default":
    settings.load_profile("quick")
