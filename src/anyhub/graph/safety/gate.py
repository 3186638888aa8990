"""Refuses models that do more than compute."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from anyhub.errors import UnsafeModelError
from anyhub.graph.safety.findings import Finding, clip
from anyhub.graph.safety.scanning import scan

_SHOWN_FINDINGS = 200


def require_safe(
    model: Any,
    name: str,
    *,
    asset_files: Collection[str] = (),
    allow_ops: Collection[str] = (),
) -> None:
    """Refuse a model that does more than compute.

    This is a second line of defence and no sandbox: faults of kernels, and branches that depend on
    the values of a checkpoint, are beyond it.

    Args:
        model: A SavedModel message.
        name: What messages call the model: its handle or directory.
        asset_files: The files below its `assets` directory, see `scan`.
        allow_ops: Ops to allow in this model, e.g. {"PyFunc"}. An op that is allowed may do all
            that it can.

    Raises:
        UnsafeModelError: It has findings; the message lists them.

    Example:
        >>> from anyhub.savedmodel import schema
        >>> require_safe(schema.SavedModel(), "empty")
    """
    allowed = frozenset(allow_ops)
    findings = [found for found in scan(model, asset_files) if found.op not in allowed]
    if findings:
        raise UnsafeModelError(_message(name, findings))


def list_assets(root: Path) -> frozenset[str]:
    """The asset files of a model's directory, as `scan` takes them.

    Args:
        root: The model's directory.

    Returns:
        Names relative to its `assets` directory; empty if there is none.
    """
    assets = root / "assets"
    return frozenset(
        path.relative_to(assets).as_posix() for path in assets.rglob("*") if path.is_file()
    )


def _message(name: str, findings: list[Finding]) -> str:
    ops = ", ".join(repr(clip(op)) for op in sorted({found.op for found in findings}))
    lines = [f"  - {found}" for found in findings[:_SHOWN_FINDINGS]]
    if len(findings) > _SHOWN_FINDINGS:
        lines.append(f"  … and {len(findings) - _SHOWN_FINDINGS} more")
    head = (
        f"model {name!r} is refused, as it would do more than compute "
        f"({len(findings)} finding{'s' if len(findings) > 1 else ''}):"
    )
    tail = (
        f"If you trust where it comes from, allow what it does with allow_ops=[{ops}], "
        "or load it without the safety gate; nothing of it was run"
    )
    return "\n".join([head, *lines, tail])
