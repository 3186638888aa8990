"""Runs plans on torch: op by op."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import torch

from anyhub.engines.portable.execution import Executor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Executor", "not_compiled"]


def not_compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that `torch.compile` leaves to Python: it takes sizes in NumPy for tensors."""
    in_python = torch.compiler.disable(function, reason="models of anyhub run op by op")

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        # Outside of compiled code the way around is not worth its microseconds.
        call = in_python if torch.compiler.is_compiling() else function
        return call(*args, **kwargs)

    return run
