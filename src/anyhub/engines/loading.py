"""`hub.load`: from a handle to an object that can be called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyhub import savedmodel
from anyhub.engines.registry import choose_engine
from anyhub.handles import parse_handle, resolve_handle
from anyhub.settings import Settings

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


def load(
    handle: str | os.PathLike[str],
    tags: str | Sequence[str] | None = None,
    options: Any = None,
    *,
    engine: str | None = None,
    endpoints: Sequence[str] | None = None,
    safe: bool = False,
) -> Any:
    """Resolve a handle and load the model.

    With engine `tensorflow` the result is what `tf.saved_model.load` returns. With engine
    `portable` it is an object with the same functions, signatures, variables and sub-objects,
    run by JAX, PyTorch or TensorFlow through Keras 3, without TensorFlow. Functions are called
    with tensors and the Python values they were traced for, signatures as
    `obj.signatures["serving_default"](**tensors)`.

    Args:
        handle: See `anyhub.resolve`.
        tags: Which graph variant of a TF1 model to load. Unset means the only one, and the
            one without tags for models of the TF1 Hub format.
        options: Passed on to the engine, for `tensorflow` a `tf.saved_model.LoadOptions`.
        engine: Name of the engine; default is `ANYHUB_ENGINE`, else `tensorflow` where Keras runs
            on TensorFlow and `portable` where it runs on another framework.
        endpoints: With engine `portable`: signatures and paths of functions ("__call__") that
            must be supported. Unset means that some must be.
        safe: Whether to refuse a model that would do more than compute: read or write files other
            than its own, use the network, start processes or run Python. It is a gate, not a
            sandbox.

    Returns:
        The engine's object.

    Raises:
        HubError: As `anyhub.resolve`, and: EngineError for an unknown engine,
            MissingDependencyError if it or an op library is not installed, ModelNotFoundError
            if the directory holds no model, TagsError for unknown tags, SavedModelError for
            damaged files, UnsafeModelError with `safe=True`.

    Example:
        >>> import anyhub as hub
        >>> embed = hub.load("https://example.com/google/nnlm-en-dim128/2")  # doctest: +SKIP
        >>> embed(["A long sentence."]).shape  # doctest: +SKIP
        TensorShape([1, 128])
    """
    settings = Settings.from_environment()
    parsed = parse_handle(handle)
    chosen = choose_engine(engine, settings)
    root = resolve_handle(parsed, settings)
    model = savedmodel.read(root)
    if safe:
        # Its tables of ops take longer to load than most models need to be read.
        from anyhub.graph import safety

        safety.require_safe(model.proto, root, asset_files=safety.list_assets(Path(root)))
    return chosen.load(model, tags, options, endpoints)
