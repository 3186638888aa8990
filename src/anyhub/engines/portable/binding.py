"""From the arguments of a call to the trace that takes them, as TensorFlow chooses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.engines.describe import describe_mismatch
from anyhub.engines.portable.arguments import CONVERTED, EXACT, WIDENED, fit, plain_value
from anyhub.engines.portable.conversion import to_tensors
from anyhub.engines.portable.nests import leaves, pairs, rebuild
from anyhub.errors import InputError
from anyhub.savedmodel.structured import TensorSpec, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anyhub.engines.base import Form
    from anyhub.savedmodel.functions import ArgSpec

Signature = tuple[tuple[Any, ...], "Mapping[str, Any]"]


def bind(
    name: str, argspec: ArgSpec, forms: Sequence[Form], args: Any, kwargs: Any
) -> tuple[int, list[Any]]:
    """Choose the form that arguments fit.

    Args:
        name: What errors call the function.
        argspec: Its Python parameters.
        forms: What its traces take.
        args: Positional arguments.
        kwargs: Keyword arguments.

    Returns:
        The number of the form, and a value for each of its tensors in order.

    Raises:
        InputError: No form accepts them.
    """
    given = rebuild((tuple(args), dict(kwargs)), plain_value)
    full = complete(argspec, *given)
    if full is not None:
        for strictness in (EXACT, CONVERTED, WIDENED):
            for index, form in enumerate(forms):
                found = _match(form, full, strictness)
                if found is not None:
                    return index, found
    raise InputError(mismatch(name, forms, argspec.args, *(full or given)))


def mismatch(
    name: str,
    forms: Sequence[Form],
    parameters: Sequence[str],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> str:
    """Lay out what was passed beside what is accepted, see `describe_mismatch`."""
    # Python values are shown as the tensors they would become, so that only differences differ.
    positional = tuple(
        _tensor_at(value, [form.args[i] for form in forms if i < len(form.args)])
        for i, value in enumerate(args)
    )
    named = {
        key: _tensor_at(value, [form.kwargs[key] for form in forms if key in form.kwargs])
        for key, value in kwargs.items()
    }
    return describe_mismatch(name, forms, parameters, positional, named)


def _tensor_at(value: Any, specs: list[Any]) -> Any:
    is_plain = not any(isinstance(leaf, TensorSpec) for spec in specs for leaf in leaves(spec))
    return value if is_plain else to_tensors(value, specs)


def complete(
    argspec: ArgSpec, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Give each parameter its place, and defaults to those that are missing.

    Returns:
        Positional and keyword arguments as traces have them; None if a parameter without a
        default is missing or one is given twice.
    """
    names = argspec.args
    rest = dict(kwargs)
    if any(name in rest for name in names[: len(args)]):
        return None
    defaults = dict(zip(names[len(names) - len(argspec.defaults) :], argspec.defaults, strict=True))
    found = list(args)
    for name in names[len(args) :]:
        if name in rest:
            found.append(rest.pop(name))
        elif name in defaults:
            found.append(defaults[name])
        else:
            return None
    return tuple(found), {**(argspec.kwonlydefaults or {}), **rest}


def _match(form: Form, given: Any, strictness: int) -> list[Any] | None:
    found = pairs((form.args, dict(form.kwargs)), given)
    if found is None:
        return None
    tensors = []
    for expected, value in found:
        if isinstance(expected, TensorSpec):
            tensor = None if value is None else fit(value, expected, strictness)
            if tensor is None:
                return None
            tensors.append(tensor)
        elif isinstance(expected, TypeSpec) or not _same(value, expected):
            return None
    return tensors


def _same(value: Any, expected: Any) -> bool:
    if isinstance(value, np.ndarray) or isinstance(expected, np.ndarray):
        return value is not None and expected is not None and np.array_equal(value, expected)
    try:
        return bool(value == expected)
    except (TypeError, ValueError, RuntimeError):
        # A tensor whose comparison has no single answer.
        return False
