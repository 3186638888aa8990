"""The object that `hub.load` returns on this engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyhub.engines.portable.objects import CallableObject, PortableObject, Restorer
from anyhub.engines.portable.pickling import changed_values, reduce_model
from anyhub.errors import SavedModelError

if TYPE_CHECKING:
    from types import TracebackType

    from anyhub.engines.portable.functions import PortableSignature
    from anyhub.engines.portable.model_state import ModelState
    from anyhub.savedmodel import SavedModel


class PortableModel(PortableObject):
    """A loaded model: its functions, variables and sub-objects are its attributes.

    Attributes:
        signatures: Its signatures by name.
        variables: All its variables, as far as the model lists them.
        trainable_variables: Those to train.
        regularization_losses: Functions without arguments that return a scalar.

    A list that the model lacks is empty. Models can be pickled, as the directory and digest of
    their files and the weights that changed.
    """

    @property
    def signatures(self) -> dict[str, PortableSignature]:
        """The model's signatures by name."""
        return self._restorer.signatures()

    @property
    def variables(self) -> list[Any]:
        """The model's variables (`keras.Variable`)."""
        return self._list("variables")

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables to train."""
        return self._list("trainable_variables")

    @property
    def regularization_losses(self) -> list[Any]:
        """Functions without arguments that return a scalar."""
        return self._list("regularization_losses")

    def close(self) -> None:
        """Free the memory of variables and plans; the model cannot be called after it."""
        self._restorer.close()

    def __enter__(self) -> PortableModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> Any:
        return reduce_model(self._restorer.state)

    def __repr__(self) -> str:
        return f"<model {self._restorer.state.name!r} on engine 'portable'>"

    def _list(self, name: str) -> list[Any]:
        self._restorer.check_open()
        if name not in self._node.children:
            return []
        found = self._restorer.restore(self._node.children[name])
        if not isinstance(found, (list, tuple)):
            raise SavedModelError(
                f"model {self._restorer.state.name!r}: {name!r} is no list but a "
                f"{type(found).__name__}"
            )
        return list(found)


class CallableModel(PortableModel, CallableObject):
    """A model with a function `__call__`."""


def make_root(state: ModelState) -> PortableModel:
    """Make the root object of a model."""
    nodes = state.meta_graph.objects.nodes
    restorer = Restorer(state)
    kind = CallableModel if "__call__" in nodes[0].children else PortableModel
    root = kind(restorer, nodes[0])
    restorer.adopt(0, root)
    return root


def saved_state(loaded: Any) -> tuple[SavedModel, dict[str, Any]] | None:
    """A loaded model's files and the values that differ from them, by checkpoint key."""
    if not isinstance(loaded, PortableModel):
        return None
    state = loaded._restorer.state
    keys = {variable.node_id: variable.key for variable in state.variables}
    values = {keys[number]: value for number, value in changed_values(state).items()}
    return state.model, {key: value for key, value in values.items() if key is not None}
