"""Complex numbers, on torch."""

from __future__ import annotations

from typing import Any

import torch


def _complex(real: Any, imag: Any) -> Any:
    return torch.complex(*torch.broadcast_tensors(real, imag))


FUNCTIONS = {
    "Angle": torch.angle,
    "Complex": _complex,
    "ComplexAbs": torch.abs,
    "Conj": torch.conj_physical,
    "Imag": torch.imag,
    "Real": torch.real,
}
"""Functions of tensors, by op."""
