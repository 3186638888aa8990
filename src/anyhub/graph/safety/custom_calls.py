"""XlaCallModule, which jax2tf writes: a StableHLO program, allowed unless it calls out of itself.

Source: `XlaCallModule` in the registry of TensorFlow 2.21.0; the custom calls that jax guarantees
to keep (`_CUSTOM_CALL_TARGETS_GUARANTEED_STABLE` in `jax/_src/export/_export.py`, jax 0.10.2):
linear algebra, sharding and shape checks. `tf.call_tf_function` calls a function of the model,
which is scanned like every other. Those that carry a compiled kernel as data (`tpu_custom_call`,
`mosaic_gpu_v2`) are not allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from anyhub.graph.safety.findings import Family, Finding, quote
from anyhub.graph.safety.mlir_bytecode import BytecodeError, read_operations

if TYPE_CHECKING:
    from anyhub.graph.safety.program import Program

XLA_CALL = "XlaCallModule"

_DIALECTS = frozenset({"builtin", "vhlo", "sdy"})
# These exchange data with the host or with other devices while the program runs.
_TRANSFERS = re.compile(r"vhlo\.(send|recv|infeed|outfeed)_v\d+")
_ALLOWED_TARGETS = re.compile(
    r"lapack_[sdcz][a-z0-9]+(_ffi)?|blas_[sdcz]trsm"
    r"|(cusolver|hipsolver|cublas|hipblas|cusparse|hipsparse)_[a-z0-9]+(_ffi)?"
    r"|(cu|hip)_(threefry2x32|lu_pivots_to_permutation)(_ffi)?"
    r"|stablehlo\.dynamic_(top_k|approx_top_k|reduce_window|rng_bit_generator)"
    r"|Qr|Eigh|LuDecomposition|ProductOfElementaryHouseholderReflectors|ApproxTopK"
    r"|Sharding|SPMDFullToShardShape|SPMDShardToFullShape|annotate_device_placement"
    r"|shape_assertion|AllocateBuffer|tf\.call_tf_function"
)
_CALLBACK = re.compile(r"[\w.]*callback[\w.]*")


def custom_call_findings(program: Program) -> Iterator[Finding]:
    """Judge the StableHLO programs of a graph."""
    for site in program.contents.by_op.get(XLA_CALL, ()):
        for reason in _reasons(site.node):
            yield Finding(
                XLA_CALL,
                site.scope.function,
                site.node.name,
                program.place(site.scope),
                reason,
                Family.CODE,
            )


def _reasons(node: Any) -> Iterator[str]:
    module = node.attr.get("module")
    if module is None or module.WhichOneof("value") != "s":
        yield "runs a StableHLO program that is not in the model"
        return
    try:
        operations = read_operations(module.s)
    except BytecodeError as error:
        yield f"runs a StableHLO program that cannot be read: {error}"
        return
    foreign = sorted(
        name
        for name in operations.names
        if name.partition(".")[0] not in _DIALECTS or _TRANSFERS.fullmatch(name)
    )
    if foreign:
        shown = ", ".join(quote(name) for name in foreign[:5])
        yield f"runs a StableHLO program with operations that do more than compute: {shown}"
    if any("custom_call" in name for name in operations.names):
        yield from _target_reasons(operations.targets, operations.texts)


def _target_reasons(targets: frozenset[str | None], texts: tuple[str, ...]) -> Iterator[str]:
    if not targets or None in targets:
        yield "runs a StableHLO program whose custom calls cannot be read"
    callbacks = {text for text in texts if _CALLBACK.fullmatch(text)}
    named = {target for target in targets if target is not None}
    refused = callbacks | {name for name in named if not _ALLOWED_TARGETS.fullmatch(name)}
    if refused:
        shown = ", ".join(quote(name) for name in sorted(refused)[:5])
        yield f"runs a StableHLO program that calls native code by its name: {shown}"
