"""`cmexam-baseline prompts …`: ask a language model the questions of an exam."""

from __future__ import annotations

import click

from cmexam_baseline.cli.main import LazyGroup

COMMANDS = {
    "make": ("cmexam_baseline.cli.prompts_make:make", "Make a prompt for each question."),
    "run": ("cmexam_baseline.cli.prompts_run:run", "Send prompts to a model and keep its replies."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def prompts() -> None:
    """Make prompts of an exam's questions, and send them to a language model.

    \b
    Examples:
      cmexam-baseline prompts make CMExam/data --split test -o prompts.jsonl
      cmexam-baseline prompts run prompts.jsonl --base-url http://localhost:8000/v1 --model qwen -o out.jsonl
      cmexam-baseline score out.jsonl --exam CMExam/data --split test
    """
