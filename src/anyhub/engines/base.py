"""What an engine is, and what the Keras layers ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from anyhub.savedmodel import SavedModel


@dataclass(frozen=True)
class Form:
    """One way in which a function of a model can be called: a concrete function's arguments.

    Attributes:
        args: Positional arguments: nests of tensor specs (anything with `dtype` and
            `shape`) and Python values.
        kwargs: Keyword arguments, likewise.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class LayerSupport(Protocol):
    """The framework-dependent steps of calling a model from a Keras layer."""

    def forms(self, function: Callable[..., Any]) -> tuple[Form, ...]:
        """The ways in which a function can be called; empty when it is plain Python."""

    def parameter_names(self, function: Callable[..., Any]) -> tuple[str, ...]:
        """Names of the function's parameters, in order."""

    def variables(
        self, loaded: Any, function: Callable[..., Any], *, by_signature: bool
    ) -> tuple[list[Any], list[Any]]:
        """The variables of a layer: those to train, and the others.

        Args:
            loaded: The loaded model, or a callable.
            function: What the layer calls.
            by_signature: Whether that is a signature.
        """

    def trains_signatures(self) -> bool:
        """Whether a model can be trained through a signature."""

    def supports_jit(self, function: Callable[..., Any]) -> bool:
        """Whether Keras may have a compiler take training steps that call a function."""

    def to_tensors(self, value: Any, specs: Sequence[Any], float_dtype: str | None) -> Any:
        """Turn Python values into tensors and cast them to a dtype that the specs accept.

        Only casts that cannot change the meaning are made: between float widths, and to a
        wider integer.

        Args:
            value: A tensor, array, Python value, or nest of them.
            specs: What the forms of a function accept in this place.
            float_dtype: What floats become where no spec says it, None to leave them.
        """

    def call_either(
        self, flag: Any, if_true: Callable[[], Any], if_false: Callable[[], Any]
    ) -> Any:
        """Call one of two functions, by a Python bool or a tensor of it."""

    def set_shapes(self, outputs: Any, shapes: Any, inputs: Any) -> Any:
        """Tell the framework the shapes (without batch dimension) of outputs."""

    def is_mismatch(self, error: Exception) -> bool:
        """Whether an error of a call says that the arguments fit no form."""


class Engine(Protocol):
    """Something that loads and runs models.

    Attributes:
        name: What users call it.
        install: The command that installs what it needs.
    """

    name: str
    install: str

    def is_installed(self) -> bool:
        """Whether its packages can be imported, found out without importing them."""

    def load(
        self, model: SavedModel, tags: Any, options: Any, endpoints: Iterable[str] | None = None
    ) -> Any:
        """Load a model.

        Args:
            model: The opened model.
            tags: Which graph variant, None for the only one.
            options: The engine's own load options.
            endpoints: Signatures and functions that are wanted, None for all.
        """

    def saved_state(self, loaded: Any) -> tuple[SavedModel, Mapping[str, Any]] | None:
        """What is needed to write a model again; None if it is none of this engine's.

        Args:
            loaded: What `load` returned.

        Returns:
            The model that was loaded, and the values of its variables now, by checkpoint key.
        """

    def layer_support(self) -> LayerSupport:
        """What Keras layers need for objects of this engine."""
