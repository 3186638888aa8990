"""The demo, run as a user would run it."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "demo" / "main.py"
NEEDED = ("tensorflow", "matplotlib", "sklearn")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.mark.tensorflow
def test_demo_trains_serves_fine_tunes_and_publishes(tmp_path):
    for package in NEEDED:
        pytest.importorskip(package, reason=f"the demo needs {package}")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ANYHUB_", "TFHUB_"))}
    # The demo is written for Keras 3, whatever Keras this test run is about.
    environment.pop("TF_USE_LEGACY_KERAS", None)

    done = subprocess.run(
        [sys.executable, DEMO, "--output", tmp_path],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    facts = json.loads((tmp_path / "consumer.json").read_text())
    assert facts["fine_tuned_accuracy"] > facts["frozen_accuracy"]
    assert facts["fine_tuned_weights"] > facts["frozen_weights"]
    assert (tmp_path / "hub" / "demo" / "digits-features" / "2" / "saved_model.pb").is_file()
    width, height = png_size(tmp_path / "map.png")
    assert 600 <= width <= 4000
    assert 400 <= height <= 4000


def png_size(path):
    head = path.read_bytes()[:24]
    assert head[:8] == PNG_SIGNATURE
    return struct.unpack(">II", head[16:24])
