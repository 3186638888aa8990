"""Fourier transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.backends import primitives
from anyhub.engines.portable.registry import lower

if TYPE_CHECKING:
    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute, Factory
    from anyhub.graph.const_call import Array

_backend = primitives("fft")


def _complex(transform: Compute, axes: tuple[int, ...]) -> Factory:
    def build(_: NodeView) -> Compute:
        return lambda x: transform(x, None, axes)

    return build


# The types of results follow from those of inputs: the attributes Treal and Tcomplex agree.
def _real(transform: Compute, axes: tuple[int, ...]) -> Factory:
    def build(_: NodeView) -> Compute:
        return lambda x, lengths: transform(x, _integers(lengths), axes)

    return build


def _any_axes(transform: Compute) -> Factory:
    def build(_: NodeView) -> Compute:
        def run(x: Any, lengths: Array, axes: Array) -> Any:
            return transform(x, _integers(lengths), _integers(axes))

        return run

    return build


def _integers(array: Array) -> tuple[int, ...]:
    return tuple(array.ravel().tolist())


for _end, _axes in {"": (-1,), "2D": (-2, -1), "3D": (-3, -2, -1)}.items():
    lower(f"FFT{_end}", f"BatchFFT{_end}")(_complex(_backend.fft, _axes))
    lower(f"IFFT{_end}", f"BatchIFFT{_end}")(_complex(_backend.ifft, _axes))
    lower(f"RFFT{_end}", host=(1,))(_real(_backend.rfft, _axes))
    lower(f"IRFFT{_end}", host=(1,))(_real(_backend.irfft, _axes))

for _name in ("FFT", "IFFT", "RFFT", "IRFFT"):
    lower(f"{_name}ND", host=(1, 2))(_any_axes(getattr(_backend, _name.lower())))
