"""Placeholder."""


def main() -> None: ...
