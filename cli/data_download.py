"""`cmexam-baseline data download`: CMExam's published files, checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmexam_baseline.cli.common_options import AS_JSON, OUTPUT, OVERWRITE, QUIET, SPLITS
from cmexam_baseline.exam.progress import Progress, no_progress

if TYPE_CHECKING:
    from rich.console import Console


@click.command()
@OUTPUT("--to", "folder", required=False, default=Path("CMExam/data"), help="The folder to put the files in.")
@click.option(
    "--from",
    "source",
    metavar="URL-OR-FOLDER",
    help="A mirror: an address or a folder under which train.csv, val.csv and test_with_annotations.csv "
    "are found. Without it the files come from the authors' repository on GitHub.",
)
@click.option(
    "--split",
    "splits",
    type=SPLITS,
    multiple=True,
    help="Only this split; may be given several times.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=30.0,
    help="Seconds without an answer, or nearly without, after which an attempt is given up.",
)
@click.option(
    "--attempts",
    type=click.IntRange(min=1),
    default=5,
    help="Attempts in a row that may bring nothing before the command gives up.",
)
@OVERWRITE
@AS_JSON
@QUIET
def download(
    folder: Path,
    source: str | None,
    splits: tuple[str, ...],
    timeout: float,
    attempts: int,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fetch CMExam's published files (51 MB) and check each by size and git blob id.

    A file takes its place only when its content is the published one, wherever it came from. An interrupted
    download goes on where it stopped when the command is run again. Proxies are taken from http_proxy,
    https_proxy and no_proxy.

    \b
    Examples:
      cmexam-baseline data download --to CMExam/data
      cmexam-baseline data download --to CMExam/data --split val --split test
      cmexam-baseline data download --to CMExam/data --from https://mirror.example.org/CMExam/data
    """
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam import download as published

    files = [file for file in published.PUBLISHED_FILES if not splits or file.split in splits]
    notes = console.notes()
    with _bars(notes, quiet) as progress:
        fetched = published.download_exam(
            folder,
            source or published.SOURCE,
            files,
            overwrite=overwrite,
            policy=published.RetryPolicy(timeout=timeout, attempts=attempts),
            progress=progress,
            on_retry=None if quiet else lambda line: notes.print(line, markup=False),
        )
    if as_json:
        listed = [
            {
                "split": each.file.split,
                "path": str(each.path),
                "bytes": each.path.stat().st_size,
                "git_blob_id": each.file.blob_id,
                "was_there": each.was_there,
            }
            for each in fetched
        ]
        about = {"license_note": published.LICENSE_NOTE, "citation": published.CITATION}
        shown = published.shown(source) if source else published.SOURCE
        console.print_json({"from": shown, "files": listed, **about})
        return
    for each in fetched:
        verb = "was there" if each.was_there else "fetched"
        click.echo(f"{each.path}: {verb}, {each.path.stat().st_size:,} bytes, git blob {each.file.blob_id}")
    if not quiet:
        click.echo(f"\n{published.LICENSE_NOTE}\nIf you use it, cite:\n\n{published.CITATION}")


@contextmanager
def _bars(notes: Console, quiet: bool) -> Iterator[Progress]:
    """One bar of bytes a file, on a terminal; nothing elsewhere."""
    if quiet or not notes.is_terminal:
        yield no_progress
        return
    from rich import progress as rich

    with rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        console=notes,
    ) as bars:
        tasks = {}

        def progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield progress
