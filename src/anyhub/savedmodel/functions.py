"""Functions that a model's objects offer, and how they are called.

Source: `tensorflow/core/protobuf/saved_object_graph.proto`; a function of an object has concrete
functions (traces), each with the arguments that it was traced for and the objects it captures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from anyhub.errors import SavedModelError
from anyhub.savedmodel.structured import NamedTuple, read_structured

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ArgSpec:
    """The parameters of the Python function, as `inspect.getfullargspec` tells them.

    Attributes:
        args: Names of the positional parameters, without `self`.
        defaults: Values of the last of them.
        varargs: Name of `*args`, None if there is none.
        varkw: Name of `**kwargs`, None if there is none.
        kwonlyargs: Names of the keyword-only parameters.
        kwonlydefaults: Their values.
    """

    args: tuple[str, ...] = ()
    defaults: tuple[Any, ...] = ()
    varargs: str | None = None
    varkw: str | None = None
    kwonlyargs: tuple[str, ...] = ()
    kwonlydefaults: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ConcreteFunction:
    """A trace of a function.

    Attributes:
        name: Of the function in the graph's library.
        bound_inputs: Numbers of the objects that it captures, in the order of its last inputs.
        proto: The SavedConcreteFunction message.
    """

    name: str
    bound_inputs: tuple[int, ...]
    proto: Any

    @cached_property
    def input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments: nests of specs and Python values.

        Raises:
            SavedModelError: It is not a pair of a tuple and a dict.
        """
        if not self.proto.HasField("canonicalized_input_signature"):
            return (), {}
        value = read_structured(self.proto.canonicalized_input_signature)
        match value:
            case (tuple() as args, dict() as kwargs):
                return args, kwargs
        raise SavedModelError(
            f"the arguments of concrete function {self.name!r} are described by "
            f"{type(value).__name__}; expected a tuple of positional and a dict of keyword ones"
        )

    @cached_property
    def output_signature(self) -> Any:
        """The result: a nest of specs."""
        if not self.proto.HasField("output_signature"):
            return None
        return read_structured(self.proto.output_signature)


@dataclass(frozen=True)
class RestoredFunction:
    """A function of an object.

    Attributes:
        path: Where it is, e.g. "__call__" or "encoder.__call__".
        argspec: Its Python parameters.
        concrete_functions: Its traces.
    """

    path: str
    argspec: ArgSpec
    concrete_functions: tuple[ConcreteFunction, ...]


def read_argspec(proto: Any) -> ArgSpec:
    """Read a FunctionSpec message.

    Raises:
        SavedModelError: It does not describe parameters.
    """
    if not proto.HasField("fullargspec"):
        return ArgSpec()
    value = read_structured(proto.fullargspec)
    if not isinstance(value, NamedTuple):
        raise SavedModelError(
            f"parameters are described by {type(value).__name__}, not FullArgSpec"
        )
    fields = dict(value.fields)
    args = _sequence(fields, "args", str)
    # TensorFlow's rule: some models say that a function is no method where it has a self.
    if args and (proto.is_method or args[0] == "self"):
        args = args[1:]
    return ArgSpec(
        args=args,
        defaults=_sequence(fields, "defaults"),
        varargs=_optional(fields, "varargs", str),
        varkw=_optional(fields, "varkw", str),
        kwonlyargs=_sequence(fields, "kwonlyargs", str),
        kwonlydefaults=_optional(fields, "kwonlydefaults", dict),
    )


def _optional(fields: Mapping[str, Any], name: str, accepted: Any) -> Any:
    value = fields.get(name)
    if value is None or isinstance(value, accepted):
        return value
    raise SavedModelError(
        f"parameters are described by a FullArgSpec whose {name} is a {type(value).__name__}"
    )


def _sequence(fields: Mapping[str, Any], name: str, accepted: Any = object) -> tuple[Any, ...]:
    value = tuple(_optional(fields, name, (list, tuple)) or ())
    for item in value:
        if not isinstance(item, accepted):
            raise SavedModelError(
                f"parameters are described by a FullArgSpec whose {name} hold a "
                f"{type(item).__name__}"
            )
    return value
