"""Saves an architecture with TensorFlow: python export.py NAME DIRECTORY."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "helpers"))

from models import SUBJECTS

from support.architectures.modules import save_reusable


def main() -> None:
    """Save the model."""
    name, directory = sys.argv[1:]
    save_reusable(SUBJECTS[name].build(), directory)


if __name__ == "__main__":
    main()
