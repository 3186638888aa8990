"""Functions whose types or other attributes are given by each call.

Source: `tensorflow/core/framework/function.proto` (FunctionDef.node_def: attributes may be
placeholders) and `InstantiateFunction` in `tensorflow/core/framework/function.cc`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema

if TYPE_CHECKING:
    from collections.abc import Mapping


def instantiate(proto: Any, attrs: Mapping[str, Any]) -> Any:
    """Give the attributes that a function declares their values.

    Args:
        proto: The FunctionDef message.
        attrs: Attributes of the call, AttrValue messages by name.

    Returns:
        The function for this call; the same message if it declares none.

    Raises:
        SavedModelError: The call lacks an attribute.
    """
    declared = proto.signature.attr
    if not declared:
        return proto
    values = {attr.name: _value(proto, attr, attrs) for attr in declared}
    made = schema.FunctionDef()
    made.CopyFrom(proto)
    del made.signature.attr[:]
    for name, value in values.items():
        made.attr[name].CopyFrom(value)
    for argument in (*made.signature.input_arg, *made.signature.output_arg):
        if argument.type_attr in values:
            argument.type = values[argument.type_attr].type
            argument.type_attr = ""
    for node in made.node_def:
        for value in node.attr.values():
            _fill(value, values, proto.signature.name)
    return made


def _value(proto: Any, attr: Any, attrs: Mapping[str, Any]) -> Any:
    if attr.name in attrs:
        return attrs[attr.name]
    if attr.HasField("default_value"):
        return attr.default_value
    raise SavedModelError(
        f"a call of function {proto.signature.name!r} does not give its attribute {attr.name!r}"
    )


def _fill(value: Any, values: Mapping[str, Any], function: str) -> None:
    kind = value.WhichOneof("value")
    if kind == "placeholder":
        if value.placeholder not in values:
            raise SavedModelError(
                f"function {function!r} takes attribute {value.placeholder!r}, which it does not "
                "declare"
            )
        value.CopyFrom(values[value.placeholder])
    elif kind == "func":
        for inner in value.func.attr.values():
            _fill(inner, values, function)
    elif kind == "list":
        for function_value in value.list.func:
            for inner in function_value.attr.values():
                _fill(inner, values, function)
