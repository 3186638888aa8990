"""Programs about `hub.load`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from checks import check, check_close, first_line


def use_names(hub: Any) -> None:
    """After the import, look at the two names that everybody uses."""
    check(callable(hub.load), "hub.load cannot be called")
    check(callable(hub.KerasLayer), "hub.KerasLayer cannot be called")


def load(
    hub: Any, handle: str, probe: str, as_path: bool = False, read_only: str | None = None
) -> None:
    """Load a model and compare its output with what it gave when it was made.

    Args:
        hub: The library.
        handle: What to load.
        probe: The file that `make` wrote.
        as_path: Pass a pathlib.Path.
        read_only: A directory that this process must not be able to write to.
    """
    if read_only is not None:
        check(not can_write(Path(read_only)), "the directory can be written, nothing is tested")
    known = np.load(probe)
    model = hub.load(Path(handle) if as_path else handle)
    check_close(model(known["x"]), known["y"], "the loaded model")


def can_write(directory: Path) -> bool:
    """Whether a file can be made in a directory; root may in spite of the permissions."""
    probe = directory / "probe"
    try:
        probe.touch()
    except OSError:
        return False
    probe.unlink()
    return True


def load_each(hub: Any, handles: list[str]) -> list[str | None]:
    """Load several models; tell for each the error, None where it loaded."""
    errors: list[str | None] = []
    for handle in handles:
        try:
            hub.load(handle)
            errors.append(None)
        except Exception as error:
            errors.append(first_line(error))
    return errors
