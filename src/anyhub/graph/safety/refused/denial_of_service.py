"""Ops that stop the process or hold it up, by what they do."""

from __future__ import annotations

OPS = {
    "ends the process": "Abort",
    "sleeps": "SleepDataset ExperimentalSleepDataset SleepOp SleepIdentityOp",
}
