"""The element types that TensorFlow can store, and what they are in NumPy.

Source: `tensorflow/core/framework/types.proto` for numbers and names; types that NumPy lacks are
those of `ml_dtypes`, as in TensorFlow's Python package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from anyhub.errors import SavedModelError

_REFERENCE = 100
_STRING, _RESOURCE, _VARIANT = 7, 20, 21


@dataclass(frozen=True)
class DType:
    """An element type.

    Attributes:
        number: Its value in the enumeration DataType.
        name: As `tf.DType.name`, e.g. "float32".
        numpy: The NumPy dtype; object for strings (of bytes), None for resource and variant.
        is_reference: Whether it is the TF1 kind of variable reference to that type.
    """

    number: int
    name: str
    numpy: Any
    is_reference: bool = False

    @property
    def itemsize(self) -> int:
        """Bytes of an element in a tensor bundle, 0 where elements have no fixed size.

        Types of fewer than 8 bits take a whole byte there.
        """
        return 0 if self.numpy is None or self.numpy.hasobject else int(self.numpy.itemsize)


def _numpy(name: str) -> Any:
    # Older releases of ml_dtypes lack the newest types; a model that has them is refused then.
    scalar = getattr(ml_dtypes, name, None)
    return None if scalar is None else np.dtype(scalar)


def _build_table() -> dict[int, DType]:
    numpy_names = {
        1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8",
        8: "complex64", 9: "int64", 10: "bool", 17: "uint16", 18: "complex128", 22: "uint32",
        23: "uint64",
    }  # fmt: skip
    other = {
        7: ("string", np.dtype(object)),
        11: ("qint8", np.dtype(np.int8)),
        12: ("quint8", np.dtype(np.uint8)),
        13: ("qint32", np.dtype(np.int32)),
        14: ("bfloat16", _numpy("bfloat16")),
        15: ("qint16", np.dtype(np.int16)),
        16: ("quint16", np.dtype(np.uint16)),
        19: ("float16", np.dtype(np.float16)),
        20: ("resource", None),
        21: ("variant", None),
        24: ("float8_e5m2", _numpy("float8_e5m2")),
        25: ("float8_e4m3fn", _numpy("float8_e4m3fn")),
        26: ("float8_e4m3fnuz", _numpy("float8_e4m3fnuz")),
        27: ("float8_e4m3b11fnuz", _numpy("float8_e4m3b11fnuz")),
        28: ("float8_e5m2fnuz", _numpy("float8_e5m2fnuz")),
        29: ("int4", _numpy("int4")),
        30: ("uint4", _numpy("uint4")),
        31: ("int2", _numpy("int2")),
        32: ("uint2", _numpy("uint2")),
        33: ("float4_e2m1fn", _numpy("float4_e2m1fn")),
    }
    table = {number: DType(number, name, np.dtype(name)) for number, name in numpy_names.items()}
    table |= {number: DType(number, name, dtype) for number, (name, dtype) in other.items()}
    return table


_BY_NUMBER = _build_table()
_BY_NAME = {dtype.name: dtype for dtype in _BY_NUMBER.values()}


def dtype_by_number(number: int) -> DType:
    """Find a type by its number; numbers above 100 are references to types.

    Raises:
        SavedModelError: There is no such type.
    """
    is_reference = number > _REFERENCE
    found = _BY_NUMBER.get(number - _REFERENCE if is_reference else number)
    if found is None:
        raise SavedModelError(
            f"unknown element type {number}; known are 1 to {max(_BY_NUMBER)}, and 100 more for "
            "references"
        )
    return DType(number, f"{found.name}_ref", found.numpy, True) if is_reference else found


def dtype_by_name(name: str) -> DType:
    """Find a type by name, e.g. "float32".

    Raises:
        SavedModelError: There is no such type.
    """
    if name not in _BY_NAME:
        raise SavedModelError(
            f"unknown element type {name!r}; known are {', '.join(sorted(_BY_NAME))}"
        )
    return _BY_NAME[name]


def dtype_of_array(array: np.ndarray[Any, Any]) -> DType:
    """The type that stores an array; arrays of bytes objects or strings are "string".

    Raises:
        SavedModelError: No type stores it.
    """
    if array.dtype.kind in "OSU":
        return _BY_NUMBER[_STRING]
    return dtype_by_name(array.dtype.name)
