"""What can be written into a bundle besides arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from anyhub.savedmodel.bundle.reader import Bundle
    from anyhub.savedmodel.bundle.slices import TensorSlice
    from anyhub.savedmodel.dtypes import DType


@dataclass(frozen=True)
class TensorReference:
    """A tensor of another bundle, copied bit for bit when its turn comes.

    Its checksum is checked on the way. Partitioned tensors stay so.

    Attributes:
        bundle: The other bundle.
        key: The name of the tensor there.
    """

    bundle: Bundle
    key: str


@dataclass(frozen=True)
class RawTensor:
    """A tensor given by its stored bytes, as `Bundle.read_raw` returns them.

    Attributes:
        dtype: Its element type; any type, also those for which NumPy has no arrays.
        shape: Its shape.
        data: Its bytes, anything that has a buffer.
    """

    dtype: DType
    shape: tuple[int, ...]
    data: Any


@dataclass(frozen=True)
class PartitionedTensor:
    """A tensor that is stored in pieces.

    Attributes:
        shape: The shape of the whole.
        pieces: Its parts, which cover it without overlapping, all of one type.
    """

    shape: tuple[int, ...]
    pieces: Iterable[tuple[TensorSlice, NDArray[Any] | RawTensor]]


@dataclass(frozen=True)
class Alias:
    """A second name for a tensor that is written under another name, before or after this one.

    Attributes:
        key: The other name, not itself an alias.
    """

    key: str


TensorLike: TypeAlias = (
    "NDArray[Any] | TensorReference | RawTensor | PartitionedTensor | Alias | Any"
)
"""An array, anything that NumPy can turn into one, or one of the above."""
