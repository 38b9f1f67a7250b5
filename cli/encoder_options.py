"""The settings of encoders as options of `train`, one for every field of `EncoderSettings`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any, TypeVar

import click

from cmexam_baseline.encoders.settings import EncoderSettings

Command = TypeVar("Command", bound=Callable[..., Any])

# These belong to every model and have options of their own.
SHARED = {"model", "random_state"}
TYPES: dict[str, Any] = {"int": int, "float": float, "str": str}


def encoder_options(command: Command) -> Command:
    """Add the options; an option that is not given leaves the setting to the TOML file or its default."""
    for field in reversed(fields(EncoderSettings)):
        if field.name not in SHARED:
            command = _option(field)(command)
    return command


def given_settings(values: dict[str, Any]) -> dict[str, Any]:
    """The settings that the user gave on the command line; "512" for an int or text counts as a number."""
    given = {name: value for name, value in values.items() if value is not None}
    if str(given.get("batch_tokens", "")).isdigit():
        given["batch_tokens"] = int(given["batch_tokens"])
    return given


def _option(field: Field[Any]) -> Callable[[Command], Command]:
    name = f"--{field.name.replace('_', '-')}"
    default = "by the other settings" if field.default is None else field.default
    text = f"[encoders] {field.metadata['help']}.  [default: {default}]"
    if str(field.type) == "bool":
        return click.option(f"{name}/--no-{name[2:]}", field.name, default=None, help=text)
    choices = field.metadata["choices"]
    kind = click.Choice(choices) if choices else _type(str(field.type))
    return click.option(name, field.name, type=kind, default=None, help=text)


def _type(annotation: str) -> Any:
    parts = annotation.split(" | ")
    return str if "str" in parts else TYPES[parts[0]]
