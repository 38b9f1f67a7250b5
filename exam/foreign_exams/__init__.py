"""Exams in the forms of other exam sets, read into the published columns."""
