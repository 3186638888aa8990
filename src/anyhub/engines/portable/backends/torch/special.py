"""Special functions, on torch."""

from __future__ import annotations

from typing import Any

import torch

from anyhub.engines.portable.backends.torch._beta import betainc
from anyhub.engines.portable.backends.torch._igamma import igamma, igamma_grad_a, igammac

_special = torch.special


def _zeta(x: Any, q: Any) -> Any:
    # By `x` TensorFlow has no derivative either.
    return _special.zeta(x.detach(), q)


def _polygamma(order: Any, x: Any) -> Any:
    order = order.detach()
    sign = torch.where(order % 2 == 0, -1.0, 1.0)
    found = sign * torch.exp(torch.lgamma(order + 1)) * _special.zeta(order + 1, x)
    found = torch.where(order == 0, torch.digamma(x), found)
    is_order = (order >= 0) & (order == torch.floor(order))
    return torch.where(is_order, found, torch.nan)


FUNCTIONS = {
    "BesselI0": _special.i0,
    "BesselI0e": _special.i0e,
    "BesselI1": _special.i1,
    "BesselI1e": _special.i1e,
    "Betainc": betainc,
    "Digamma": torch.digamma,
    "Erf": torch.erf,
    "Erfc": torch.erfc,
    "Erfinv": torch.erfinv,
    "Igamma": igamma,
    "Igammac": igammac,
    "IgammaGradA": igamma_grad_a,
    "Lgamma": torch.lgamma,
    "Ndtri": _special.ndtri,
    "Polygamma": _polygamma,
    "Zeta": _zeta,
}
"""Functions of tensors, by op."""
