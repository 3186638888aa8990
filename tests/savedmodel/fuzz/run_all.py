"""Runs all fuzz programs of this folder, in proportion to what there is to find.

    python tests/savedmodel/fuzz/run_all.py --count 100000 --seed 1

The nightly command is that one; `make test` runs 2,000 cases. A failure names the program, the seed
and the number with which it is run again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import bundle_fuzz
import format_fuzz

# Indexes and shards; messages, texts, structured values and constants.
PROGRAMS = {"bundle_fuzz": (bundle_fuzz.fuzz, 30), "format_fuzz": (format_fuzz.fuzz, 70)}


def run_all(count: int, seed: int) -> dict[str, Counter[str]]:
    """Run `count` cases; return what happened how often, by program."""
    results = {}
    for name, (fuzz, share) in PROGRAMS.items():
        cases = count * share // 100
        start = time.perf_counter()
        try:
            results[name], longest, most = fuzz(cases, seed)
        except Exception as error:
            error.add_note(f"in {name}.py")
            raise
        seconds = time.perf_counter() - start
        print(
            f"{name}: {cases:,} cases with seed {seed} in {seconds:.0f} s; "
            f"longest {longest:.2f} s, most memory {most:,} bytes"
        )
    return results


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for name, results in run_all(arguments.count, arguments.seed).items():
        for what, count in sorted(results.items()):
            print(f"{count:11,} {name}: {what}")
    sys.exit(0)


if __name__ == "__main__":
    main()
