"""`python -m cmexam_baseline.cli`, as torchrun needs it."""

from __future__ import annotations

from cmexam_baseline.cli.main import main

if __name__ == "__main__":
    main()
