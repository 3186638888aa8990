"""Opens SavedModel directories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema
from anyhub.savedmodel.layout import TFHUB_MODULE_PB, ModelLayout, read_layout
from anyhub.savedmodel.model import SavedModel
from anyhub.savedmodel.variables import VariableStore

if TYPE_CHECKING:
    import os

VARIABLES_PREFIX = "variables/variables"
# Deeper text would exhaust the stack of protobuf's parser in Python.
_MAX_TEXT_NESTING = 200


def read(path: str | os.PathLike[str] | ModelLayout) -> SavedModel:
    """Open a SavedModel.

    Args:
        path: The model's directory, or its layout.

    Returns:
        The model; functions and weights are read when they are asked for.

    Raises:
        ModelNotFoundError: The directory holds no model.
        SavedModelError: The file that describes it is damaged.

    Example:
        >>> from anyhub import savedmodel
        >>> model = savedmodel.read("model")  # doctest: +SKIP
        >>> sorted(model.graph().signatures)  # doctest: +SKIP
        ['serving_default']
    """
    layout = path if isinstance(path, ModelLayout) else read_layout(Path(path))
    proto = parse(layout.graph_file.read_bytes(), layout.graph_file)
    prefix = layout.root / VARIABLES_PREFIX
    has_variables = prefix.with_name(prefix.name + ".index").is_file()
    return SavedModel(proto, layout, VariableStore(prefix if has_variables else None))


def read_hub_module(layout: ModelLayout) -> Any:
    """Read `tfhub_module.pb` of the TF1 Hub format.

    Returns:
        A ModuleDef message, None for a plain SavedModel.

    Raises:
        SavedModelError: The file is damaged, or of a format that nobody defined.
    """
    path = layout.root / TFHUB_MODULE_PB
    if not path.is_file():
        return None
    data = path.read_bytes()
    proto = schema.ModuleDef()
    try:
        proto.ParseFromString(data)
    except DecodeError as error:
        raise SavedModelError(f"file {str(path)!r} is damaged: {error}; fetch it again") from error
    if proto.format != schema.ModuleDef.FORMAT_V3 or proto.required_features:
        raise SavedModelError(
            f"file {str(path)!r} says format {proto.format} with required features "
            f"{list(proto.required_features)!r}; known is format {schema.ModuleDef.FORMAT_V3} "
            "without any"
        )
    return proto


def parse(data: bytes, name: Path) -> Any:
    """Parse a SavedModel message.

    Args:
        data: Content of `saved_model.pb`, or of `saved_model.pbtxt`.
        name: The file's name, which tells the two apart.

    Raises:
        SavedModelError: The data is cut or is no such message.
    """
    proto = schema.SavedModel()
    try:
        if name.suffix == ".pbtxt":
            _check_nesting(data)
            text_format.Parse(
                data.decode("utf-8"), proto, allow_unknown_field=True, allow_unknown_extension=True
            )
        else:
            proto.ParseFromString(data)
    except (DecodeError, text_format.ParseError, ValueError, RecursionError) as error:
        raise SavedModelError(
            f"file {str(name)!r} ({len(data)} bytes) is cut short or is no SavedModel: {error}; "
            "fetch the model again"
        ) from error
    if not proto.meta_graphs:
        raise SavedModelError(
            f"file {str(name)!r} ({len(data)} bytes) holds no graph; fetch the model again"
        )
    return proto


def _check_nesting(data: bytes) -> None:
    depth = deepest = 0
    for byte in data:
        if byte == ord("{"):
            depth += 1
            deepest = max(deepest, depth)
        elif byte == ord("}"):
            depth -= 1
    if deepest > _MAX_TEXT_NESTING:
        raise ValueError(f"nested {deepest} levels deep, more than {_MAX_TEXT_NESTING}")
