"""The lowerings, one module for each family of ops; importing this package registers them all."""

from __future__ import annotations

import importlib
import pkgutil

from anyhub.engines.portable.registry import begin_family

for _module in pkgutil.iter_modules(__path__):
    begin_family(_module.name)
    importlib.import_module(f"{__name__}.{_module.name}")
