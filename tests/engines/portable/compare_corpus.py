"""Runs the models of the corpus on the portable engine and compares with TensorFlow's outputs.

KERAS_BACKEND=jax python tests/engines/portable/compare_corpus.py [corpus] [--only PART]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2] / "helpers"))

from support.portable_corpus import compare_all


def main() -> None:
    """Compare, print what differs and the count."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = HERE.parents[4] / "shared" / "corpus"
    parser.add_argument("corpus", nargs="?", type=Path, default=default)
    parser.add_argument("--only", default="", help="part of the model's folder")
    arguments = parser.parse_args()
    count: Counter[str] = Counter()
    for result in compare_all(arguments.corpus, arguments.only):
        kind = "text" if result.is_text else "numeric"
        count[f"{kind} {'failed' if result.problem else 'ok'}"] += 1
        if result.problem:
            print(f"[{kind}] {result.case}: {result.problem}")
    print(dict(sorted(count.items())))
    if "tensorflow" in sys.modules:
        print("TensorFlow was imported")
    total = count["numeric ok"] + count["numeric failed"]
    print(f"{count['numeric ok']} of {total} cases without text match: "
          f"{count['numeric ok'] / max(total, 1):.1%}")  # fmt: skip


if __name__ == "__main__":
    main()
