"""`cmexam-baseline prompts run`: send prompts to a server that speaks the OpenAI chat form."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli.common_options import AS_JSON, OUTPUT, QUIET, InputPath
from cmexam_baseline.exam.errors import InputError

SHOWN_FAILURES = 3


@click.command()
@click.argument("prompts", type=InputPath())
@click.option("--base-url", required=True, help="The server's address, as in http://localhost:8000/v1.")
@click.option("--model", help="The model to ask; openai-batch prompts may name one themselves.")
@OUTPUT(help="Where the replies go, as JSONL. A file that holds some already is continued.")
@click.option(
    "--key-variable",
    default="OPENAI_API_KEY",
    help="The environment variable that holds the API key; without it no key is sent.",
)
@click.option("--temperature", type=click.FloatRange(min=0), default=0.0, help="0 = no chance.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Limit of each reply.")
@click.option("--extra", help='Further settings as JSON, as in \'{"seed": 1, "top_p": 0.9}\'.')
@click.option("--concurrency", type=click.IntRange(1, 256), default=8, help="Requests at once.")
@click.option("--per-minute", type=click.FloatRange(min=0.1), help="Requests begun a minute at most.")
@click.option("--attempts", type=click.IntRange(min=1), default=6, help="Attempts at one question.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=120.0, help="Seconds to wait for a reply.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many prompts, from the start.")
@AS_JSON
@QUIET
def run(
    prompts: Path,
    base_url: str,
    model: str | None,
    output: Path,
    key_variable: str,
    temperature: float,
    max_tokens: int | None,
    extra: str | None,
    concurrency: int,
    per_minute: float | None,
    attempts: int,
    timeout: float,
    limit: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Send PROMPTS to a server and write its replies, one line each, for `cmexam-baseline score`.

    Every reply is on the disk before the next is counted, so the command can be killed and run again: it goes
    on where it stopped and sends no question again that has an answer. 429, 5xx and timeouts are tried again
    with growing pauses, or as Retry-After says. Ends with exit code 1 where questions stay without an answer.

    \b
    Examples:
      cmexam-baseline prompts run prompts.jsonl --base-url http://localhost:8000/v1 --model qwen -o out.jsonl
      cmexam-baseline prompts run batch.jsonl --base-url https://api.openai.com/v1 --per-minute 500 -o o.jsonl
    """
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam.extras import require
    from cmexam_baseline.exam.io.files import check_output
    from cmexam_baseline.exam.prompts import ChatServer, ReplyFile, RequestPolicy, ask_all, read_prompts

    require("prompts", purpose="prompts run")
    settings: dict[str, Any] = {"temperature": temperature, **_extra_settings(extra)}
    settings.update({"model": model} if model else {})
    settings.update({"max_tokens": max_tokens} if max_tokens else {})
    requests = read_prompts(prompts)[:limit]
    if not model and any("model" not in request.settings for request in requests):
        raise InputError(f"{prompts} names no model; give --model")
    check_output(output, [prompts], append=True)
    server = ChatServer(base_url, settings, os.environ.get(key_variable, "").strip(), timeout)
    notes = console.notes()
    with console.StageProgress(notes, quiet) as stages, ReplyFile(output) as replies:
        if replies.dropped and not quiet:
            notes.print(f"{output}: a torn last line of {replies.dropped} bytes was taken off", markup=False)
        outcome = ask_all(
            server,
            requests,
            replies,
            RequestPolicy(concurrency, per_minute, attempts),
            progress=lambda done, total: stages("asking", done, total),
        )
    without = len(outcome.failed)
    if as_json:
        console.print_json(
            {
                "replies": str(output),
                "prompts": len(requests),
                "already_answered": outcome.already_answered,
                "answered": outcome.answered,
                "cut_off": outcome.cut_off,
                "failed": outcome.failed,
            }
        )
    else:
        if not quiet:
            before = outcome.already_answered
            click.echo(
                f"{outcome.answered:,} answered, {before:,} had an answer, {without:,} without: {output}"
            )
            if outcome.cut_off:
                notes.print(f"{outcome.cut_off} replies were cut off; give more --max-tokens")
        for name, reason in list(outcome.failed.items())[:SHOWN_FAILURES]:
            notes.print(f"{name}: {reason}", markup=False)
        if without:
            notes.print(f"{without} of {len(requests)} questions without an answer; run the command again")
    if without:
        raise click.exceptions.Exit(1)


def _extra_settings(extra: str | None) -> dict[str, Any]:
    if extra is None:
        return {}
    try:
        value = json.loads(extra)
    except ValueError as error:
        raise InputError(f"--extra is not JSON ({error}); give an object, as in '{{\"seed\": 1}}'") from error
    if not isinstance(value, dict) or "messages" in value or "stream" in value:
        raise InputError("--extra must be a JSON object of settings, without messages and stream")
    return value
