"""Describes signatures and functions: arguments, results, Python values that choose a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.inspection.report import ArgumentReport, EndpointReport, FormReport
from anyhub.savedmodel.structured import NamedTuple, TensorSpec, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from anyhub.inspection.engine_support import EngineSupport
    from anyhub.savedmodel import ConcreteFunction, MetaGraph, RestoredFunction, Signature
    from anyhub.savedmodel.functions import ArgSpec

# Functions that Keras and TensorFlow save for their own use.
_INTERNAL = ("signatures.", "keras_api.")


def describe_endpoints(graph: MetaGraph, support: EngineSupport) -> tuple[EndpointReport, ...]:
    """Describe everything in a variant that can be called, signatures first."""
    signatures = [
        _signature(name, s, support.signature(name)) for name, s in graph.signatures.items()
    ]
    functions = [
        _function(function, support.function(function))
        for path, function in graph.restored_functions.items()
        if function.concrete_functions
        and not path.startswith(_INTERNAL)
        # A trace of a function is saved below it once more.
        and path.rpartition(".")[0] not in graph.restored_functions
    ]
    # What is nearest to the root matters most.
    functions.sort(key=lambda report: (report.name.count("."), report.name))
    return (*signatures, *functions)


def _signature(name: str, signature: Signature, engines: tuple[str, ...]) -> EndpointReport:
    form = FormReport(
        tuple(ArgumentReport(key, str(info)) for key, info in signature.inputs.items()),
        tuple(ArgumentReport(key, str(info)) for key, info in signature.outputs.items()),
    )
    defaults = tuple(f"{key}={value.tolist()!r}" for key, value in signature.defaults.items())
    return EndpointReport(name, "signature", signature.method_name, defaults, (form,), engines)


def _function(function: RestoredFunction, engines: tuple[str, ...]) -> EndpointReport:
    forms = [_form(function.argspec, trace) for trace in function.concrete_functions]
    parameters = tuple(_parameters(function.argspec))
    # Traces may differ in names only, which callers do not see.
    unique = tuple(dict.fromkeys(forms))
    return EndpointReport(function.path, "function", "", parameters, unique, engines)


def _parameters(spec: ArgSpec) -> Iterator[str]:
    without_default = len(spec.args) - len(spec.defaults)
    for index, name in enumerate(spec.args):
        has_default = index >= without_default
        yield f"{name}={spec.defaults[index - without_default]!r}" if has_default else name
    if spec.varargs:
        yield f"*{spec.varargs}"
    elif spec.kwonlyargs:
        yield "*"
    defaults: Mapping[str, Any] = spec.kwonlydefaults or {}
    for name in spec.kwonlyargs:
        yield f"{name}={defaults[name]!r}" if name in defaults else name
    if spec.varkw:
        yield f"**{spec.varkw}"


def _form(spec: ArgSpec, trace: ConcreteFunction) -> FormReport:
    args, kwargs = trace.input_signature
    named: list[tuple[str, Any]] = [(_name(spec, index), v) for index, v in enumerate(args)]
    named += kwargs.items()
    arguments = tuple(leaf for name, value in named for leaf in _leaves(name, value))
    return FormReport(arguments, tuple(_leaves("result", trace.output_signature)))


def _name(spec: ArgSpec, index: int) -> str:
    if index < len(spec.args):
        return spec.args[index]
    return f"{spec.varargs or 'argument '}{index - len(spec.args)}"


def _leaves(name: str, value: Any) -> Iterator[ArgumentReport]:
    match value:
        case TensorSpec():
            yield ArgumentReport(name, str(value))
        case TypeSpec():
            yield ArgumentReport(name, _composite(value))
        case dict():
            for key, item in value.items():
                yield from _leaves(f"{name}[{key!r}]", item)
        case list() | tuple():
            yield from _sequence(name, value)
        case NamedTuple():
            for key, item in value.fields:
                yield from _leaves(f"{name}.{key}", item)
        case _:
            yield ArgumentReport(name, repr(value), is_tensor=False)


def _sequence(name: str, values: Sequence[Any]) -> Iterator[ArgumentReport]:
    for index, item in enumerate(values):
        yield from _leaves(f"{name}[{index}]", item)


def _composite(spec: TypeSpec) -> str:
    kind = spec.kind.removesuffix("_SPEC").replace("_", " ").lower()
    parts = [str(part) for part in _parts(spec.state)]
    return f"{kind} {' '.join(parts)}".rstrip()


def _parts(state: Any) -> Iterator[Any]:
    """What a composite's state says about shape and dtype."""
    from anyhub.savedmodel.dtypes import DType
    from anyhub.savedmodel.shapes import shape_text
    from anyhub.savedmodel.structured import TensorShape

    for part in state if isinstance(state, (list, tuple)) else ():
        if isinstance(part, TensorShape):
            yield shape_text(part.dims)
        elif isinstance(part, DType):
            yield part.name
