"""The arguments of KerasLayer: checked, kept, and written to a configuration."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from anyhub.errors import LayerError


@dataclass(frozen=True)
class LayerArguments:
    """What a KerasLayer was made with; see `anyhub.KerasLayer` for each.

    Validated in `__post_init__` as far as that needs no model.
    """

    handle: Any
    arguments: dict[str, Any] | None = None
    tags: Any = None
    signature: str | None = None
    signature_outputs_as_dict: bool = False
    output_key: str | None = None
    output_shape: Any = None
    load_options: Any = None
    engine: str | None = None
    embed: bool = False

    def __post_init__(self) -> None:
        """Refuse arguments that contradict each other.

        Raises:
            LayerError: What contradicts what.
        """
        if not self.has_text_handle:
            self._check_object()
        if not isinstance(self.arguments, (dict, type(None))):
            raise LayerError(
                f"KerasLayer(arguments=...) is a dict of keyword arguments for the model, "
                f"found {type(self.arguments).__name__} {self.arguments!r}"
            )
        if "training" in self.call_arguments:
            raise LayerError(
                "KerasLayer(arguments=...) has an entry 'training'; it is set by the layer: it is "
                "True in training calls of a layer with trainable=True; remove the entry"
            )
        if self.embed and not self.has_text_handle:
            raise LayerError(
                f"KerasLayer(embed=True) embeds the model that a handle names, found an object of "
                f"type {type(self.handle).__name__}; save it and pass the directory"
            )

    def _check_object(self) -> None:
        if not callable(self.handle) and not hasattr(self.handle, "signatures"):
            raise LayerError(
                f"KerasLayer(handle) is a str, a path, or a callable object; found "
                f"{type(self.handle).__name__} {self.handle!r}"
            )
        for name in ("tags", "load_options", "engine"):
            if getattr(self, name) is not None:
                raise LayerError(
                    f"KerasLayer({name}=...) says how to load a handle, but an object of type "
                    f"{type(self.handle).__name__} was passed, which is loaded already; remove it"
                )

    @property
    def call_arguments(self) -> dict[str, Any]:
        """A copy of the keyword arguments for the model."""
        return dict(self.arguments or {})

    @property
    def has_text_handle(self) -> bool:
        """Whether the handle is a string or path, not an object."""
        return isinstance(self.handle, (str, os.PathLike))

    def to_config(self) -> dict[str, Any]:
        """The arguments as JSON values, without those at their defaults.

        Raises:
            NotImplementedError: The layer wraps an object, which no configuration can name.
                (The type is what Keras catches when it saves without configurations.)
            LayerError: A value is not JSON.
        """
        if not self.has_text_handle:
            raise NotImplementedError(
                f"a KerasLayer made from an object ({type(self.handle).__name__}) has no "
                "configuration; make it from a handle: KerasLayer('https://...') or "
                "KerasLayer('/directory')"
            )
        values = {
            "handle": os.fspath(self.handle),
            "arguments": self.call_arguments,
            "tags": sorted(self.tags) if isinstance(self.tags, set) else self.tags,
            "signature": self.signature,
            "signature_outputs_as_dict": self.signature_outputs_as_dict,
            "output_key": self.output_key,
            "output_shape": plain_shapes(self.output_shape),
            "engine": self.engine,
            "embed": self.embed,
        }
        config = {key: value for key, value in values.items() if value not in (None, {}, False)}
        for key, value in config.items():
            _check_json(key, value)
        return config


def plain_shapes(shapes: Any) -> Any:
    """Turn the shapes of a nest (tuples, lists, objects with `as_list`) into lists."""
    if hasattr(shapes, "as_list"):
        return shapes.as_list()
    if isinstance(shapes, dict):
        return {key: plain_shapes(value) for key, value in shapes.items()}
    if isinstance(shapes, (list, tuple)):
        return [plain_shapes(value) for value in shapes]
    # Some TensorFlow versions have dimension objects, and NumPy integers are not JSON.
    return shapes if shapes is None else int(getattr(shapes, "value", shapes))


def _check_json(key: str, value: Any) -> None:
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise LayerError(
            f"KerasLayer({key}={value!r}) cannot be written to a configuration: {error}; "
            "use JSON values (numbers, strings, lists, dicts)"
        ) from error
