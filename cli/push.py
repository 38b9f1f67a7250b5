"""`cmexam-baseline push`: a run on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

import click

from cmexam_baseline.cli.common_options import InputPath


@click.command()
@click.argument("run", type=InputPath())
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="A private repository; one that is public already is refused.")
@click.option(
    "--revision", metavar="BRANCH", help="The branch to commit to, made where it is new.  [default: main]"
)
def push(run: Path, repository: str, private: bool, revision: str | None) -> None:
    """Upload the run folder RUN to the model repository OWNER/NAME on the Hugging Face hub.

    Uploaded are the model, its card, its figures and its predictions; logs and other files stay here. The token is that
    of `hf auth login`, or HF_TOKEN. Printed is the address of the commit.

    \b
    Examples:
      cmexam-baseline push runs/lightgbm me/cmexam-lightgbm --private
      cmexam-baseline push runs/bert me/cmexam-bert --revision seed-1
    """
    from cmexam_baseline.baselines.hub_push import push_run

    click.echo(push_run(run, repository, private=private, revision=revision))
