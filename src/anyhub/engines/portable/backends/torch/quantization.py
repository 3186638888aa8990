"""Fake quantization, on torch."""

from __future__ import annotations

from functools import partial
from operator import mul, truediv

from anyhub.engines.portable.backends import _fake_quant

fake_quant = partial(_fake_quant.fake_quant, divide=truediv, multiply=mul)
fake_quant_grad = partial(_fake_quant.fake_quant_grad, divide=truediv, multiply=mul)
