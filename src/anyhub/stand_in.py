"""`hub.install_as("tensorflow_hub")`: programs that import the original library get anyhub.

Submodules are stood in for as far as their features exist here; importing another one is an
error that says so.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from anyhub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The release of tensorflow_hub whose interface is offered, for programs that compare versions.
_VERSION = "0.16.1"
_ORIGINAL = "tensorflow_hub"
# Submodule of the original -> names that it offers, all found in `anyhub`.
_SUBMODULES: Mapping[str, tuple[str, ...]] = {
    "": ("KerasLayer", "load", "resolve"),
    ".keras_layer": ("KerasLayer",),
    ".module_v2": ("load", "resolve"),
    ".version": (),
}


class _StandInModule(ModuleType):
    """A module whose names are looked up in anyhub when they are used."""

    def __init__(self, name: str, names: tuple[str, ...]) -> None:
        super().__init__(name, f"anyhub, standing in for {name}")
        self.__version__ = _VERSION
        self.__all__ = list(names)

    def __getattr__(self, name: str) -> Any:
        if name in self.__all__:
            return getattr(importlib.import_module("anyhub"), name)
        if f".{name}" in _SUBMODULES and "." not in self.__name__:
            return importlib.import_module(f"{self.__name__}.{name}")
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"module {self.__name__!r} is stood in for by anyhub, which has no {name!r}; "
            f"it offers {', '.join(self.__all__)}"
        )

    def __dir__(self) -> list[str]:
        return [*self.__all__, "__version__"]


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the stand-in modules before the import system looks at the disk."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Claim the name and everything below it."""
        del path, target
        if fullname != self._name and not fullname.startswith(f"{self._name}."):
            return None
        if fullname.removeprefix(self._name) not in _SUBMODULES:
            offered = ", ".join(repr(self._name + sub) for sub in _SUBMODULES)
            raise ModuleNotFoundError(
                f"no module named {fullname!r}: anyhub stands in for {self._name!r} and offers "
                f"{offered}",
                name=fullname,
            )
        return importlib.machinery.ModuleSpec(fullname, self, is_package=fullname == self._name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Make the module that looks names up in anyhub."""
        return _StandInModule(spec.name, _SUBMODULES[spec.name.removeprefix(self._name)])

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: names are looked up when they are used."""


def install_as(name: str = _ORIGINAL) -> None:
    """Let `import tensorflow_hub` give anyhub in this process.

    Call it before the first import of the original; calling it again does nothing. Libraries
    that import `tensorflow_hub` need it installed no more.

    Args:
        name: The name to stand in for, "tensorflow_hub".

    Raises:
        HubError: The name is another one, or the original library is already imported.

    Example:
        >>> import anyhub
        >>> anyhub.install_as("tensorflow_hub")
        >>> import tensorflow_hub as hub
        >>> hub.resolve("/")
        '/'
    """
    if name != _ORIGINAL:
        raise HubError(f"anyhub stands in for {_ORIGINAL!r} only, found {name!r}")
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    if name in sys.modules:
        where = getattr(sys.modules[name], "__file__", None)
        raise HubError(
            f"{name!r} is already imported from {where!r}; call anyhub.install_as({name!r}) "
            "before anything imports it"
        )
    sys.meta_path.insert(0, _Finder(name))
