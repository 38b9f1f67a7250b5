"""Optional dependencies: which packages an extra brings, and how to install it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit

from cmexam_baseline.exam.errors import InputError

# The modules that an extra of setup.cfg makes importable.
EXTRAS = {
    "distributed": ("joblib", "dask", "distributed"),
    "encoders": ("torch", "transformers", "huggingface_hub", "accelerate", "peft", "safetensors"),
    "hub": ("huggingface_hub",),
    "lightgbm": ("lightgbm", "sklearn", "scipy", "joblib"),
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "prompts": ("openai",),
    "report": ("jinja2", "matplotlib"),
    "tables": ("polars", "fastexcel", "xlsxwriter"),
    "tuning": ("optuna",),
}


def require(extra: str, *modules: str, purpose: str = "this") -> None:
    """Check that what an extra brings is installed, before any work is done.

    extra:   a key of `EXTRAS`
    modules: the modules that are needed; all that the extra brings if none is named
    purpose: what needs them, the beginning of the message

    Nothing is imported. Raises `InputError` with the command that installs the extra in the way in which this copy was
    installed (from a checkout, an archive or an index).

    >>> require("lightgbm", "json")
    >>> require("tables", "no_such_module", purpose="reading Parquet")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: reading Parquet needs no_such_module; run pip install ...[tables]...
    """
    missing = [name for name in modules or EXTRAS[extra] if find_spec(name) is None]
    if missing:
        raise InputError(f"{purpose} needs {', '.join(missing)}; run {install_command(extra)}")


def install_command(extra: str) -> str:
    """The pip command that adds an extra to this installation."""
    from importlib.metadata import PackageNotFoundError, distribution  # costs as much as all of `--help`

    try:
        origin = json.loads(distribution("cmexam-baseline").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        origin = {}
    url, requirement = str(origin.get("url", "")), f"'cmexam-baseline[{extra}]'"
    if url and "dir_info" in origin:
        option = "-e " if origin["dir_info"].get("editable") else ""
        requirement = f"{option}'{unquote(urlsplit(url).path)}[{extra}]'"
    elif url:
        version = origin.get("vcs_info")
        url = f"{version['vcs']}+{url}@{version['commit_id']}" if version else url
        requirement = f"'cmexam-baseline[{extra}] @ {url}'"
    return f"pip install {requirement}"
