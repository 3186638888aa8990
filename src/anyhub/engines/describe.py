"""Says in words how the arguments of a call differ from what a model accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from anyhub.engines.base import Form

_MAX_FORMS = 6


def describe_mismatch(
    name: str,
    forms: Sequence[Form],
    parameters: Sequence[str],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> str:
    """Lay out what was passed beside every accepted form, differences marked.

    Args:
        name: How the model is called in the message.
        forms: What the model accepts.
        parameters: Names of the function's parameters, for its positional arguments.
        args: Positional arguments of the call.
        kwargs: Keyword arguments of the call.
    """
    passed = dict(_flatten(parameters, args, kwargs))
    lines = [f"the inputs match no form that {name} accepts", "  passed:"]
    lines += [f"    {path}: {_describe(value)}" for path, value in passed.items()]
    for number, form in enumerate(forms[:_MAX_FORMS], 1):
        lines.append(f"  accepted form {number}:")
        accepted = dict(_flatten(parameters, form.args, form.kwargs))
        lines += list(_compare(passed, accepted))
    if len(forms) > _MAX_FORMS:
        lines.append(f"  and {len(forms) - _MAX_FORMS} more")
    return "\n".join(lines)


def _compare(passed: Mapping[str, Any], accepted: Mapping[str, Any]) -> Iterator[str]:
    for path, spec in accepted.items():
        if path not in passed:
            # A Python value that was not passed has its default.
            note = "   <- missing" if _is_spec(spec) else ""
        else:
            difference = _difference(passed[path], spec)
            note = f"   <- {difference}" if difference else ""
        yield f"    {path}: {_describe(spec)}{note}"
    for path in passed:
        if path not in accepted:
            yield f"    {path}: not accepted   <- remove it"


def _difference(value: Any, spec: Any) -> str | None:
    if not _is_spec(spec):
        return None if _equal(value, spec) else f"found {value!r}"
    if not _is_spec(value):
        return f"found {value!r}"
    if _kind(value) != _kind(spec):
        return f"found a {_kind(value)} tensor"
    if _dtype(value) != _dtype(spec):
        return f"dtype differs: found {_dtype(value)}"
    return _shape_difference(_shape(value), _shape(spec))


def _shape_difference(
    found: tuple[int | None, ...] | None, wanted: tuple[int | None, ...] | None
) -> str | None:
    if wanted is None or found is None:
        return None
    if len(found) != len(wanted):
        return f"rank differs: found {len(found)}, accepted {len(wanted)}"
    pairs = zip(found, wanted, strict=True)
    if any(w is not None and f is not None and f != w for f, w in pairs):
        return f"shape differs: found {found}"
    return None


def _flatten(
    parameters: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    for index, value in enumerate(args):
        known = index < len(parameters) and parameters[index] not in ("args", "kwargs")
        yield from _leaves(parameters[index] if known else f"argument {index + 1}", value)
    for name, value in kwargs.items():
        yield from _leaves(name, value)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _leaves(f"{path}[{key!r}]", value[key])
    elif isinstance(value, (list, tuple)):
        # A list is not a tuple to TensorFlow.
        opening, closing = "[]" if isinstance(value, list) else "()"
        for index, item in enumerate(value):
            yield from _leaves(f"{path}{opening}{index}{closing}", item)
    else:
        yield path, value


def _is_spec(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape")


def _describe(value: Any) -> str:
    if not _is_spec(value):
        return repr(value)
    shape = _shape(value)
    kind = "" if _kind(value) == "dense" else f"{_kind(value)} "
    return f"{kind}{_dtype(value)} of {'any shape' if shape is None else f'shape {shape}'}"


def _kind(value: Any) -> str:
    """Whether a tensor or spec is dense, or what else."""
    name = type(value).__name__.lower()
    return next((kind for kind in ("ragged", "sparse", "indexed") if kind in name), "dense")


def _dtype(value: Any) -> str:
    name = str(getattr(value.dtype, "name", value.dtype)).removeprefix("torch.")
    return "string" if name in ("object", "str") else name


def _shape(value: Any) -> tuple[int | None, ...] | None:
    if value.shape is None:
        return None
    try:
        return tuple(value.shape)
    except ValueError:
        # A TensorShape of unknown rank cannot be iterated.
        return None


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
