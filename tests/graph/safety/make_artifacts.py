"""Writes `data/*.mlirbc`: StableHLO programs as jax serializes them for XlaCallModule.

    python tests/graph/safety/make_artifacts.py      (in the `main` environment)

Made with jax 0.10.2 (StableHLO 1.15.0) on 2026-11-20.
"""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
from jax import export

DATA = Path(__file__).parent / "data"
SQUARE = jax.ShapeDtypeStruct((4, 4), jnp.float32)


def main() -> None:
    # Without the folders in which this file lies.
    jax.config.update("jax_hlo_source_file_canonicalization_regex", ".*/")
    programs = {"sine": jnp.sin, "qr": lambda x: jnp.linalg.qr(x)[0] @ x}
    for name, program in programs.items():
        exported = export.export(jax.jit(program))(SQUARE)
        (DATA / f"{name}.mlirbc").write_bytes(exported.mlir_module_serialized)


if __name__ == "__main__":
    main()
