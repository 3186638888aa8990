"""Fourier transforms against TensorFlow's CPU kernels, and NumPy's where it has none."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.run import Run
from support.op_cases import Case, check, parametrize
from support.op_runs import derivative, plan_op, run_op

RNG = np.random.default_rng(0)
# Errors come from sums of all elements.
TOLERANCES = {"float32": (1e-4, 1e-5), "complex64": (1e-4, 1e-5)}
ENDS = {"": 1, "2D": 2, "3D": 3}


def draw(*shape, dtype="float32") -> np.ndarray:
    found = RNG.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * RNG.normal(size=shape)
    return found.astype(dtype)


def real(op, x, lengths, out, name, **options) -> Case:
    inputs = {"input": x, "fft_length": np.asarray(lengths, np.int32)}
    tolerance = TOLERANCES.get(x.dtype.name)
    return Case(op, inputs, {name: out}, static=("fft_length",), tolerance=tolerance, **options)


CASES = []
for end, rank in ENDS.items():
    for dtype in ("complex64", "complex128"):
        CASES += [
            Case(op, {"input": x}, tolerance=TOLERANCES.get(dtype))
            for op in (f"FFT{end}", f"IFFT{end}")
            for x in (
                draw(*(3, 4, 2)[:rank], dtype=dtype),
                draw(2, *(5, 3, 4)[-rank:], dtype=dtype),
                draw(2, 2, *[1] * rank, dtype=dtype),
                draw(0, *[2] * rank, dtype=dtype),
            )
        ]
    for narrow, wide in (("float32", "complex64"), ("float64", "complex128")):
        for lengths in ((4, 3, 5), (3, 2, 4), (4, 3, 1)):
            x = draw(2, *(4, 3, 5)[-rank:], dtype=narrow)
            CASES += [real(f"RFFT{end}", x, lengths[-rank:], wide, "Tcomplex")]
            x = draw(2, *(4, 3, 3)[-rank:], dtype=wide)
            CASES += [real(f"IRFFT{end}", x, lengths[-rank:], narrow, "Treal")]


@parametrize(CASES)
def test_matches_tensorflow(case: Case) -> None:
    check(case)


def test_lengths_pad() -> None:
    x = draw(2, 3)
    (found,) = run_op("RFFT", x, np.int32([6]), static=(1,))
    np.testing.assert_allclose(found, np.fft.rfft(x, 6), rtol=1e-4, atol=1e-5)
    (back,) = run_op("IRFFT", found[:, :2], np.int32([6]), static=(1,))
    np.testing.assert_allclose(back, np.fft.irfft(found[:, :2], 6), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("axes", [(0,), (1, 2), (2, 0), (0, 1, 2, 3), (-1, 1)])
@pytest.mark.parametrize("change", [-1, 0, 2])
@pytest.mark.parametrize("name", ["FFT", "IFFT", "RFFT", "IRFFT"])
def test_any_axes(axes: tuple[int, ...], change: int, name: str) -> None:
    x = draw(3, 2, 4, 3, dtype="float32" if name == "RFFT" else "complex64")
    lengths = [x.shape[axis] + change for axis in axes]
    (found,) = run_op(f"{name}ND", x, np.int32(lengths), np.int32(axes), static=(1, 2))
    wanted = getattr(np.fft, f"{name.lower()}n")(x, lengths, axes)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
    assert found.dtype.name == ("float32" if name == "IRFFT" else "complex64")


@pytest.mark.parametrize("end", ENDS)
def test_old_names(end: str) -> None:
    x = draw(2, 2, 3, dtype="complex64")
    for name in (f"FFT{end}", f"IFFT{end}"):
        np.testing.assert_array_equal(run_op(f"Batch{name}", x), run_op(name, x))


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("length", [3, 4])
def test_derivatives(end: str, length: int) -> None:
    """Of a transform there and back with the middle filtered; the derivative is the adjoint."""
    rank = ENDS[end]
    x, weights = draw(2, *[4] * rank), draw(2, *[length] * rank)
    lengths = np.int32([length] * rank)
    there = plan_op(f"RFFT{end}", [x, lengths], 1, {})
    back = plan_op(f"IRFFT{end}", [draw(2, *[3] * rank, dtype="complex64"), lengths], 1, {})
    factors = np.linspace(1, 2, length // 2 + 1, dtype=np.float32).astype(np.complex64)

    def filtered(value):
        middle = there(Run(), value, lengths)[0] * values.to_device(factors)
        return back(Run(), middle, lengths)[0]

    found = derivative(lambda v: keras.ops.sum(filtered(v) * values.to_device(weights)), x)
    # The filter is symmetric in frequencies, so that its adjoint is itself, then zeros for what
    # was cropped.
    middle = np.fft.rfftn(weights, axes=range(1, rank + 1)) * factors
    wanted = np.zeros_like(x)
    inner = (slice(None), *[slice(length)] * rank)
    wanted[inner] = np.fft.irfftn(middle, [length] * rank, range(1, rank + 1))
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
