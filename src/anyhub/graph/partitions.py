"""Values of variables that TF1 cut into parts and saved as one tensor.

Source: `tensorflow/core/framework/variable.proto`, message SaveSliceInfoDef.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema

if TYPE_CHECKING:
    from anyhub.savedmodel.model import SavedModel
    from anyhub.savedmodel.variables import Variable

_COLLECTIONS = {"variables", "trainable_variables", "model_variables", "local_variables"}


def read_value(model: SavedModel, variable: Variable) -> Any:
    """Read the value of a variable, or its part of the value.

    Raises:
        SavedModelError: It was saved without a value, or what was saved is of another shape.
    """
    if variable.key is None:
        raise SavedModelError(f"variable {variable.name!r} was saved without a value")
    value = model.store.read(variable.key)
    info = None if variable.key == variable.name else _slice_info(model, variable.name)
    if info is None:
        return value
    index = tuple(
        slice(start, start + size)
        for start, size in zip(info.var_offset, info.var_shape, strict=False)
    )
    if len(index) != value.ndim or value[index].shape != tuple(info.var_shape):
        raise SavedModelError(
            f"variable {variable.name!r} is the part {index} of {variable.key!r}, whose shape is "
            f"{value.shape}"
        )
    return value[index]


def _slice_info(model: SavedModel, name: str) -> Any:
    for graph in model.graphs:
        for collection in _COLLECTIONS & {*graph.collections}:
            for data in graph.collections[collection].bytes_list.value:
                proto = schema.VariableDef.FromString(data)
                is_it = proto.variable_name.partition(":")[0] == name
                if is_it and proto.HasField("save_slice_info_def"):
                    return proto.save_slice_info_def
    return None
