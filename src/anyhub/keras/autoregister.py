"""Makes Keras know KerasLayer as soon as both Keras and anyhub are imported.

A `.keras` file names its layer classes; Keras finds them only if they are registered before
the file is read. `import anyhub` must not import Keras, so the registration waits for the
program's own import of Keras and follows it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_WATCHED = ("keras", "tf_keras")


class _Watcher(importlib.abc.MetaPathFinder):
    """Sees the import of Keras and adds a step after it."""

    def __init__(self) -> None:
        self._searching = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find Keras as usual, but run `_register` after it."""
        del path, target
        if fullname not in _WATCHED or getattr(self._searching, "active", False):
            return None
        # The search below asks every finder, this one too.
        self._searching.active = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._searching.active = False
        if spec is not None and spec.loader is not None and fullname not in sys.modules:
            _run_after(spec.loader, fullname)
        return spec


def _run_after(loader: importlib.abc.Loader, name: str) -> None:
    exec_module = loader.exec_module

    def exec_and_register(module: ModuleType) -> None:
        exec_module(module)
        _register(name)

    loader.exec_module = exec_and_register  # type: ignore[method-assign]


def _register(name: str) -> None:
    from anyhub.engines.keras_backend import is_keras3_installed

    # The modules register their class when they are imported.
    if name == "keras" and is_keras3_installed():
        importlib.import_module("anyhub.keras.keras3")
    else:
        importlib.import_module("anyhub.keras.keras2")


def register_with_keras() -> None:
    """Register now with each Keras that is imported, and later with each that will be."""
    if any(isinstance(finder, _Watcher) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Watcher())
    for name in _WATCHED:
        module = sys.modules.get(name)
        # Keras imports TensorFlow, which may import us: then the watcher's step is to come.
        if module is not None and hasattr(module, "layers"):
            _register(name)
