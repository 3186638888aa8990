"""How each op is computed: the lowerings, by op.

A lowering is a factory. It gets a node (`NodeView`), checks its attributes once, and returns the
function that every run calls with the node's inputs. There are three kinds:

* `lower`: on the device. The function gets and returns tensors of the Keras backend. Inputs at
  the positions `host=` are NumPy arrays: sizes, axes, permutations, what decides shapes.
* `lower_host`: on the host. The function gets and returns NumPy arrays; strings are arrays of
  `bytes` objects. Ops in `graph.const_ops` have such a function already.
* `lower_raw`: whatever it likes. The function gets the `Run` and the values as they are: NumPy
  arrays, tensors, handles of variables, lists. For state, control flow, shapes.

An op may have one on the device and one on the host: where all inputs are on the host, it runs
there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from anyhub.engines.portable.node_view import NodeView

Compute: TypeAlias = "Callable[..., Any]"
Factory: TypeAlias = "Callable[[NodeView], Compute]"

DEVICE, HOST, RAW = "device", "host", "raw"


@dataclass(frozen=True)
class Lowering:
    """How an op is computed on one plane.

    Attributes:
        op: The op's name.
        kind: "device", "host" or "raw".
        build: Makes the function that computes a node.
        host_inputs: Positions of inputs that are NumPy arrays on every plane, negative ones from
            the end.
        limits: What of the op is not supported, or where results differ; "" for nothing. For
            the documentation.
        family: The module that it is in.
    """

    op: str
    kind: str
    build: Factory
    host_inputs: frozenset[int]
    limits: str
    family: str


_LOWERINGS: dict[str, dict[str, Lowering]] = {DEVICE: {}, HOST: {}, RAW: {}}
# The family whose module is being imported.
_family = ""


def begin_family(name: str) -> None:
    """Say which module the lowerings registered from now on are in."""
    global _family  # noqa: PLW0603 - modules are imported one after the other
    _family = name


def lower(*ops: str, host: Iterable[int] = (), limits: str = "") -> Callable[[Factory], Factory]:
    """Register a factory that lowers ops to the device."""
    return _register(ops, DEVICE, frozenset(host), limits)


def lower_host(*ops: str, limits: str = "") -> Callable[[Factory], Factory]:
    """Register a factory that computes ops by NumPy."""
    return _register(ops, HOST, frozenset(), limits)


def lower_raw(*ops: str, limits: str = "") -> Callable[[Factory], Factory]:
    """Register a factory whose functions get the `Run` and the values of any plane."""
    return _register(ops, RAW, frozenset(), limits)


def lower_plain(table: Mapping[str, Compute], *, limits: str = "") -> None:
    """Register functions on the device that need no attributes, by op."""
    for op, compute in table.items():
        _add(Lowering(op, DEVICE, _always(compute), frozenset(), limits, _family))


def find(op: str, kind: str) -> Lowering | None:
    """The lowering of an op of a kind, None if there is none."""
    return _LOWERINGS[kind].get(op)


def lowerings() -> tuple[Lowering, ...]:
    """All lowerings, sorted by op."""
    found = [lowering for table in _LOWERINGS.values() for lowering in table.values()]
    return tuple(sorted(found, key=lambda lowering: (lowering.op, lowering.kind)))


def _register(
    ops: tuple[str, ...], kind: str, host: frozenset[int], limits: str
) -> Callable[[Factory], Factory]:
    def register(build: Factory) -> Factory:
        for op in ops:
            _add(Lowering(op, kind, build, host, limits, _family))
        return build

    return register


def _add(lowering: Lowering) -> None:
    table = _LOWERINGS[lowering.kind]
    if lowering.op in table:
        raise ValueError(f"op {lowering.op!r} has two lowerings of kind {lowering.kind!r}")
    table[lowering.op] = lowering


def _always(compute: Compute) -> Factory:
    return lambda _node: compute
