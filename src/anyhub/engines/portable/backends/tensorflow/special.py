"""Special functions, on TensorFlow: its own ops."""

from __future__ import annotations

from anyhub.engines.portable.backends.tensorflow._raw import raw, raws

FUNCTIONS = {
    **raws("BesselI0 BesselI0e BesselI1 BesselI1e Digamma Erf Erfc Erfinv Lgamma Ndtri", ["x"]),
    **raws("Igamma Igammac IgammaGradA", ["a", "x"]),
    "Betainc": raw("Betainc", "a", "b", "x"),
    "Polygamma": raw("Polygamma", "a", "x"),
    "Zeta": raw("Zeta", "x", "q"),
}
"""Functions of tensors, by op."""
