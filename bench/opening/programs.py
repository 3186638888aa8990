"""The measured programs; each runs alone in a new process.

    python opening/programs.py PROGRAM DIRECTORY [--check]

A program imports what it needs, then performs its operation on the model in DIRECTORY under the
clock. --check: then also adds up the values, which is not measured. The last line of stdout is
`RESULT` and a JSON object.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Operation = Callable[[str], "Opened"]
PROC = Path("/proc/self")
KIB = 1024


class Opened:
    """What an operation found.

    Args:
        held: What has to stay in memory until it is measured.
        counts: How much there is of what.
        values: Gives the arrays of all variables.
    """

    def __init__(self, held: Any, counts: dict[str, int], values: Callable[[], Any]) -> None:
        self.held = held
        self.counts = counts
        self.values = values


def with_anyhub() -> Operation:
    """List endpoints and variables, and map every value."""
    import anyhub.savedmodel.bundle  # noqa: F401 - the operation would import it under the clock
    from anyhub import savedmodel

    def operation(directory: str) -> Opened:
        model = savedmodel.read(directory)
        graph = model.graph()
        signatures = [
            (name, signature.inputs, signature.outputs)
            for name, signature in graph.signatures.items()
        ]
        functions = [
            (path, function.argspec, trace.input_signature, trace.output_signature)
            for path, function in graph.restored_functions.items()
            for trace in function.concrete_functions
        ]
        variables = model.variables()
        values = {key: model.store.read(key) for key in model.store}
        counts = {
            "signatures": len(signatures),
            "functions": len({path for path, *_ in functions}),
            "variables": len(variables),
        }
        held = signatures, functions, variables, values
        return Opened(held, counts, lambda: [values[v.key] for v in variables])

    return operation


def with_anyhub_bytes() -> Operation:
    """As `with_anyhub`, then add up every value, so that every byte is read."""
    open_ = with_anyhub()

    def operation(directory: str) -> Opened:
        opened = open_(directory)
        opened.counts["sum"] = add_up(opened.values())
        return opened

    return operation


def with_inspect() -> Operation:
    """Describe the model; this compares stored values, too, to tell which are stored twice."""
    import anyhub as hub

    inspect = hub.inspect

    def operation(directory: str) -> Opened:
        report = inspect(directory)
        (variant,) = report.variants
        kinds = [endpoint.kind for endpoint in variant.endpoints]
        counts = {
            "signatures": kinds.count("signature"),
            "variables": variant.variables.count,
        }
        return Opened(report, counts, list)

    return operation


def with_tensorflow() -> Operation:
    """Load, list signatures and variables."""
    import tensorflow as tf

    tf.zeros(())  # TensorFlow's own start belongs to the imports

    def operation(directory: str) -> Opened:
        loaded = tf.saved_model.load(directory)
        signatures = [
            (name, function.structured_input_signature, function.structured_outputs)
            for name, function in loaded.signatures.items()
        ]
        listed = [(v.name, v.dtype, v.shape) for v in loaded.variables]
        return Opened((loaded, listed), {"signatures": len(signatures)}, lambda: values(loaded))

    def values(loaded: Any) -> list[Any]:
        objects = tf.train.TrackableView(loaded).descendants()
        return [found.numpy() for found in objects if isinstance(found, tf.Variable)]

    return operation


def add_up(arrays: list[Any]) -> int:
    """Add up the bits of arrays: the same for the same values, in whatever order they come."""
    import numpy as np

    total = 0
    for array in arrays:
        words = array.reshape(-1).view(np.uint8 if array.itemsize % 4 else np.uint32)
        total += int(words.sum(dtype=words.dtype))
    return total


PROGRAMS = {
    "tensorflow": with_tensorflow,
    "anyhub": with_anyhub,
    "anyhub_bytes": with_anyhub_bytes,
    "inspect": with_inspect,
}


def main() -> None:
    """Run one program and tell what it took."""
    program, directory, *flags = sys.argv[1:]
    operation = PROGRAMS[program]()
    before = memory()
    (PROC / "clear_refs").write_text("5")  # the kernel's peak starts anew
    cpu = time.process_time()
    started = time.perf_counter()
    opened = operation(directory)
    seconds = time.perf_counter() - started
    cpu = time.process_time() - cpu
    after = memory()
    result = {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_rss": max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB, before["VmHWM"]),
        "peak_growth": after["VmHWM"] - before["VmRSS"],
        "anonymous_growth": after["RssAnon"] - before["RssAnon"],
        "counts": opened.counts,
    }
    if flags == ["--check"]:
        arrays = opened.values()
        result["counts"] |= {"sum": add_up(arrays), "values": len(arrays)}
        result["bytes"] = sum(array.nbytes for array in arrays)
        result["not_compiled"] = not_compiled()
        result["anyhub"] = getattr(sys.modules.get("anyhub"), "__file__", None)
    print("RESULT", json.dumps(result), flush=True)


def memory() -> dict[str, int]:
    """What the kernel says about the memory of this process, in bytes."""
    fields = {}
    for line in (PROC / "status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.startswith(("Vm", "Rss")):
            fields[name] = int(value.split()[0]) * KIB
    return fields


def not_compiled() -> list[str]:
    """Imported modules whose compiled form is not stored."""
    cached = {
        name: getattr(module, "__cached__", None)
        for name, module in list(sys.modules.items())
        if name != "__main__" and str(getattr(module, "__file__", "")).endswith(".py")
    }
    return sorted(name for name, path in cached.items() if path and not Path(path).is_file())


if __name__ == "__main__":
    main()
