"""`cmexam-baseline compare`: several systems beside each other, and whether they differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli.common_options import AS_JSON, FORMAT, OVERWRITE, QUIET, TO_FILE, InputPath
from cmexam_baseline.cli.score import inputs_of, say_what_was_read, score_arguments, scoring_options


@click.command()
@click.argument("files", nargs=-1, required=True, type=InputPath(), metavar="FILE...")
@scoring_options
@click.option(
    "--all-pairs",
    is_flag=True,
    help="Test every pair of more than 20 systems too, not only the best system against each other.",
)
@click.option("--published", is_flag=True, help="Put the rows of the paper's Table 3 beside.")
@TO_FILE
@FORMAT
@AS_JSON
@OVERWRITE
@QUIET
def compare(
    files: tuple[Path, ...],
    all_pairs: bool,
    published: bool,
    output: Path | None,
    output_format: str,
    as_json: bool,
    overwrite: bool,
    quiet: bool,
    **scoring: Any,
) -> None:
    """Compare the systems of two prediction FILEs or more (or of one file with a column a model).

    Differences are paired: McNemar's exact test for accuracy, the paired permutation test for the rest, with
    Holm's correction over all pairs; intervals come from the paired bootstrap. Of more than 20 systems only the
    best is tested against each other (200 systems would be 19,900 pairs), still corrected for all pairs.
    As CSV only the differences are printed, a row each.

    \b
    Examples:
      cmexam-baseline compare gpt.jsonl qwen.jsonl --exam CMExam/data --split test
      cmexam-baseline compare nine_models.csv --exam val.csv --missing skip
      cmexam-baseline compare a.csv b.csv --exam test.csv --published --format latex -o table.tex
    """
    from cmexam_baseline.cli import compare_tables, console, score_tables
    from cmexam_baseline.exam.io.files import check_output
    from cmexam_baseline.exam.published import PUBLISHED_RESULTS

    if output is not None:
        check_output(output, inputs_of(files, scoring), overwrite=overwrite)
    scored = score_arguments(files, scoring)
    comparison = scored.compare(all_pairs or None)
    report = scored.to_dict(fingerprint=as_json or output_format == "json")
    if not quiet:
        say_what_was_read(console.notes(), report, scoring["exam"] is None and len(files) > 1)
    rows = PUBLISHED_RESULTS if published else ()
    with console.results_to(output) as results:
        if output_format != "table" or as_json:
            text = compare_tables.WRITERS["json" if as_json else output_format](report, comparison, rows)
            results.file.write(text)
            return
        score_tables.print_tables(results, report)
        compare_tables.print_comparison(results, comparison)
        if published:
            compare_tables.print_published(results, rows)
