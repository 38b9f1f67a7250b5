#!/usr/bin/env bash
# The tests of metrics, exam and features, and of commands that need no torch, with the oldest versions that setup.cfg allows.
# Usage: tests/oldest.sh [PYTHON [FOLDER]]; `make test-oldest` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3.10}
venv=${2:-.venv-oldest}
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install -q uv
"$venv/bin/uv" pip compile -q --resolution lowest-direct --python "$venv/bin/python" --no-header --no-annotate \
    --extra report --extra distributed setup.cfg pyproject.toml -o "$venv/oldest.txt" > /dev/null
"$venv/bin/python" -m pip install -q -r "$venv/oldest.txt" pytest pytest-timeout pytest-benchmark hypothesis sacrebleu rouge-score jsonschema
rm -rf build ./*.egg-info
"$venv/bin/python" -m pip install -q --no-deps .
rm -rf build ./*.egg-info
"$venv/bin/pytest" -q -m "not minutes" tests/metrics tests/exam tests/features \
    tests/cli/test_{compare,data,data_overlap,explain,leaderboard,main,prompts,score}.py
