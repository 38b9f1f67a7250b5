#!/usr/bin/env bash
# Wheel and sdist are built, installed into empty environments and tried out, away from the sources.
# Usage: tests/dist_smoke.sh [PYTHON [FOLDER]]; `make dist-smoke` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=${1:-python3}
work=${2:-$(mktemp -d)}
"$python" -m venv "$work/build"
"$work/build/bin/python" -m pip install -q build
rm -rf build ./*.egg-info
"$work/build/bin/python" -m build -o "$work/dist" . > "$work/build.log"
rm -rf build ./*.egg-info
for archive in "$work"/dist/*.whl "$work"/dist/*.tar.gz; do
    venv=$work/venv-${archive##*.}
    "$python" -m venv "$venv"
    # The hashes first, so that nothing comes that they do not name; then the package itself.
    "$venv/bin/python" -m pip install -q --require-hashes -r "$root/constraints-hashes.txt"
    "$venv/bin/python" -m pip install -q --no-deps "$archive"
    "$venv/bin/python" -m pip check
    cd "$work"
    "$venv/bin/python" -c "from cmexam_baseline import metrics; print(metrics.score_answers([1, 2], [1, 4]).accuracy)"
    sample=$("$venv/bin/python" -c "from cmexam_baseline.exam.sample import SAMPLE_FOLDER; print(SAMPLE_FOLDER)")
    "$venv/bin/cmexam-baseline" train --help > /dev/null
    "$venv/bin/cmexam-baseline" train --out "$work/run-${archive##*.}" --quiet > /dev/null
    "$venv/bin/cmexam-baseline" score "$work/run-${archive##*.}/predictions_test.csv" \
        --exam "$sample" --split test --report "$work/report.html" --quiet > /dev/null
    test -s "$work/report.html"
    echo "$(basename "$archive"): installs, imports, trains, scores"
    cd "$root"
done
