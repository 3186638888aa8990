"""`hub.inspect`: opens a model and describes it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from anyhub import savedmodel
from anyhub.engines.tensorflow.extra_ops import find_library
from anyhub.errors import SavedModelError
from anyhub.graph import safety
from anyhub.graph.compact import alike_values
from anyhub.handles import parse_handle, resolve_handle
from anyhub.inspection.endpoints import describe_endpoints
from anyhub.inspection.engine_support import EngineSupport
from anyhub.inspection.report import ModelReport, VariablesReport, VariantReport
from anyhub.savedmodel import schema
from anyhub.settings import Settings

if TYPE_CHECKING:
    import os

    from anyhub.savedmodel import MetaGraph, SavedModel


def inspect(handle: str | os.PathLike[str]) -> ModelReport:
    """Describe a model: what can be called and how, variables, assets, ops, safety, size.

    Nothing is run and no framework is needed.

    Args:
        handle: See `anyhub.resolve`.

    Raises:
        HubError: As `anyhub.resolve`, and SavedModelError for damaged files.

    Example:
        >>> import anyhub as hub
        >>> report = hub.inspect("model")  # doctest: +SKIP
        >>> [endpoint.name for endpoint in report.variants[0].endpoints]  # doctest: +SKIP
        ['serving_default', '__call__']
    """
    directory = resolve_handle(parse_handle(handle), Settings.from_environment())
    return describe(savedmodel.read(directory))


def describe(model: SavedModel) -> ModelReport:
    """Describe an opened model; see `inspect`."""
    assert model.layout is not None  # noqa: S101 - it was read from a directory
    root = model.layout.root
    assets = safety.list_assets(root)
    findings = safety.scan(model.proto, assets)
    bundle = model.store.bundle
    repeated = [key for group in alike_values(model) for key in group[1:]]
    duplicates = 0 if bundle is None else sum(bundle.entry(key).size for key in repeated)
    return ModelReport(
        path=str(root),
        format=model.layout.format.value,
        fingerprint=_fingerprint(root),
        variants=tuple(_variant(model, graph) for graph in model.graphs),
        findings=tuple(str(finding) for finding in findings),
        disk_bytes=sum(path.stat().st_size for path in root.rglob("*") if path.is_file()),
        duplicate_bytes=duplicates,
    )


def _variant(model: SavedModel, graph: MetaGraph) -> VariantReport:
    ops = _count_ops(graph)
    return VariantReport(
        tags=tuple(sorted(graph.tags)),
        tensorflow_version=graph.tensorflow_version,
        endpoints=describe_endpoints(graph, EngineSupport(graph, ops)),
        variables=_variables(model, graph),
        ops=ops,
        functions=len(graph.functions),
        assets=graph.assets,
        packages=tuple(sorted({lib.package for op in ops if (lib := find_library(op))})),
    )


def _count_ops(graph: MetaGraph) -> dict[str, int]:
    counts: Counter[str] = Counter(node.op for node in graph.proto.graph_def.node)
    for function in graph.functions.values():
        counts.update(node.op for node in function.node_def)
    known = {op: count for op, count in counts.items() if op not in graph.functions}
    return dict(sorted(known.items(), key=lambda item: (-item[1], item[0])))


def _variables(model: SavedModel, graph: MetaGraph) -> VariablesReport:
    variables = model.variables(graph.tags)
    trainable = [variable for variable in variables if variable.trainable]
    return VariablesReport(
        count=len(variables),
        bytes=sum(variable.nbytes for variable in variables),
        trainable_count=len(trainable),
        trainable_bytes=sum(variable.nbytes for variable in trainable),
        without_value=sum(variable.key is None for variable in variables),
    )


def _fingerprint(root: Path) -> str:
    """The checksum of `fingerprint.pb`, which TensorFlow writes since 2.11."""
    path = root / "fingerprint.pb"
    if not path.is_file():
        return ""
    proto: Any = schema.FingerprintDef()
    try:
        proto.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise SavedModelError(f"file {str(path)!r} is damaged: {error}; remove it") from error
    return f"{proto.saved_model_checksum:016x}"
