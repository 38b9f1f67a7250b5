"""`cmexam-baseline data convert`: an exam in another form."""

from __future__ import annotations

from pathlib import Path

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, KEY, OVERWRITE, PATH, QUIET, InputPath


@click.command()
@click.argument("source", type=InputPath(exam=True))
@click.argument("target", type=PATH)
@click.option(
    "--format",
    "--to",
    "ending",
    default="csv",
    help="Form of the files where SOURCE and TARGET are folders: csv, tsv, jsonl, json, parquet or xlsx.",
)
@click.option(
    "--index-base",
    type=click.Choice(["0", "1"]),
    help="Whether answers that are numbers count options from 0 or from 1, where the numbers leave it open.",
)
@click.option("--unanswered", is_flag=True, help="Keep questions without an answer, as an exam to be taken.")
@KEY
@OVERWRITE
@BAD_ROWS
@AS_JSON
@QUIET
def convert(
    source: Path,
    target: Path,
    ending: str,
    index_base: str | None,
    unanswered: bool,
    key: Path | None,
    overwrite: bool,
    bad_rows: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the exam in SOURCE to TARGET in the form that TARGET's ending says.

    SOURCE is a file in CMExam's form or in that of another exam set: options as an object, a list, columns,
    lines or one line in the question's text; shared stems and shared options (types A3, A4, B1); answers as
    letters, letter and text, text or number; chat messages; CSV, TSV, JSONL, JSON, Parquet or XLSX, also gzipped. A
    folder with train, val and test files becomes such a folder.

    \b
    Examples:
      cmexam-baseline data convert medqa.jsonl medqa.csv
      cmexam-baseline data convert CMExam/data/val.csv val.parquet
      cmexam-baseline data convert CMExam/data cmexam-jsonl --to jsonl
      cmexam-baseline data convert CMB-test.json cmb.csv --key CMB-test-answers.json
    """
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam.io.files import check_output, check_output_folder, new_folder
    from cmexam_baseline.exam.io.formats import format_of, import_exams, write_exam
    from cmexam_baseline.exam.splits import is_datasets_folder

    is_folder = source.is_dir() and not is_datasets_folder(source)
    format_of(f"x.{ending}" if is_folder else target)
    if is_folder:
        check_output_folder(target, [source])
    else:
        check_output(target, [source, *([key] if key else [])], overwrite=overwrite)
    base = None if index_base is None else int(index_base)
    converted = import_exams(source, bad_rows, base, not unanswered, key)
    if is_folder:
        with new_folder(target) as folder:
            for name, other in converted.items():
                stem = "test_with_annotations" if name == "test" and other.exam.annotations else name
                write_exam(other.exam, folder / f"{stem}.{ending}")
    else:
        (only,) = converted.values()
        write_exam(only.exam, target)
        converted = {source.name: only}
    if as_json:
        files = {
            name: {"questions": len(other.exam), "left_out": other.n_left_out, "notes": other.notes}
            for name, other in converted.items()
        }
        console.print_json({"target": str(target), "files": files})
        return
    if not quiet:
        console.say_remarks(converted)
        console.say_bad_rows(console.notes(), converted)
        click.echo(f"{sum(len(other.exam) for other in converted.values()):,} questions: {target}")
