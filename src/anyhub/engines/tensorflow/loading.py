"""Loads a SavedModel by TensorFlow, and says in plain words what went wrong."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from anyhub.engines.tensorflow.extra_ops import find_library, import_library, missing_op
from anyhub.engines.tensorflow.origins import remember
from anyhub.errors import MissingDependencyError, SavedModelError
from anyhub.savedmodel import ModelFormat

if TYPE_CHECKING:
    from anyhub.savedmodel import ModelLayout, SavedModel

_LOG = logging.getLogger(__name__)
# What TensorFlow raises for files that are missing, cut, or from another version. Other types
# mean wrong arguments and are passed on as they are.
_LOAD_ERRORS = (OSError, RuntimeError, LookupError, tf.errors.OpError)


def load_saved_model(model: SavedModel, tags: Any, options: Any) -> Any:
    """Load a model exactly as `tf.saved_model.load` does.

    Packages with extra ops are imported when the model needs them and they are installed.

    Raises:
        TagsError: No graph variant has these tags.
        MissingDependencyError: An op comes from a package that is not installed.
        SavedModelError: A file is damaged.
    """
    assert model.layout is not None  # noqa: S101 - it was read from a directory
    layout = model.layout
    is_hub_module = layout.format is ModelFormat.TF1_HUB
    if tags is None and is_hub_module:
        # The format's convention: the variant for inference is the one without tags.
        tags = []
    # Refuses unknown tags in our words; TensorFlow loads by the same tags.
    model.graph(tags)
    loaded = _load_with_libraries(layout, tags, options)
    if is_hub_module:
        # The mark by which the original library tells the formats apart.
        loaded._is_hub_module_v1 = True
    remember(loaded, model, tags)
    return loaded


def _load_with_libraries(layout: ModelLayout, tags: Any, options: Any) -> Any:
    imported: set[str] = set()
    while True:
        try:
            return tf.saved_model.load(str(layout.root), tags=tags, options=options)
        except _LOAD_ERRORS as error:
            op = missing_op(error)
            if op is None:
                raise SavedModelError(
                    f"TensorFlow {tf.__version__} cannot load model {str(layout.root)!r}: {error}; "
                    "its files are damaged or incomplete, or of a version that it does not know"
                ) from error
            _import_library_of(op, layout, imported, error)


def _import_library_of(op: str, layout: ModelLayout, imported: set[str], error: Exception) -> None:
    library = find_library(op)
    if library is None or library.module in imported:
        raise SavedModelError(
            f"model {str(layout.root)!r} needs the op {op!r}, which TensorFlow {tf.__version__} "
            "does not have; import the package that registers it, then load again"
        ) from error
    if not import_library(library):
        raise MissingDependencyError(
            f"model {str(layout.root)!r} needs the op {op!r} of the package {library.package!r}, "
            f"which is not installed; run: pip install {library.package}"
        ) from error
    _LOG.info("imported %s for the op %s", library.module, op)
    imported.add(library.module)
