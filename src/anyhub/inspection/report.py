"""The report on a model, as values that turn into JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ArgumentReport:
    """An argument or result of an endpoint, or a part of one that is a list or dict.

    Attributes:
        name: How it is reached: "inputs", "inputs['mask']", "inputs[0]".
        type: "float32 (?, 3)", "ragged string", or the Python value that it must be.
        is_tensor: Whether it is a tensor; otherwise it is a Python value that chooses the form.
    """

    name: str
    type: str
    is_tensor: bool = True


@dataclass(frozen=True)
class FormReport:
    """One way of calling an endpoint.

    Attributes:
        arguments: What it takes.
        results: What it gives.
    """

    arguments: tuple[ArgumentReport, ...]
    results: tuple[ArgumentReport, ...]


@dataclass(frozen=True)
class EndpointReport:
    """Something that can be called.

    Attributes:
        name: Signature name, or path of the function, e.g. "encoder.__call__".
        kind: "signature" or "function".
        method_name: For signatures, what servers take it for.
        parameters: For functions, the Python parameters with their defaults.
        forms: The ways to call it.
        engines: Names of the engines that can run it.
    """

    name: str
    kind: str
    method_name: str
    parameters: tuple[str, ...]
    forms: tuple[FormReport, ...]
    engines: tuple[str, ...]


@dataclass(frozen=True)
class VariablesReport:
    """The variables of a variant.

    Attributes:
        count: How many.
        bytes: Bytes of their values.
        trainable_count: How many are trainable.
        trainable_bytes: Bytes of those.
        without_value: How many have no saved value.
    """

    count: int
    bytes: int
    trainable_count: int
    trainable_bytes: int
    without_value: int


@dataclass(frozen=True)
class VariantReport:
    """A graph variant.

    Attributes:
        tags: Its tags.
        tensorflow_version: The version that wrote it.
        endpoints: What can be called.
        variables: Its variables.
        ops: How often each op occurs, in the main graph and all functions.
        functions: How many functions it has.
        assets: File names of its assets.
        packages: What has to be installed beside TensorFlow for ops that it lacks.
    """

    tags: tuple[str, ...]
    tensorflow_version: str
    endpoints: tuple[EndpointReport, ...]
    variables: VariablesReport
    ops: dict[str, int]
    functions: int
    assets: tuple[str, ...]
    packages: tuple[str, ...]


@dataclass(frozen=True)
class ModelReport:
    """A model.

    Attributes:
        path: Its directory.
        format: "SavedModel" or "TF1 Hub".
        fingerprint: What identifies the content, if the writer recorded it.
        variants: Its graph variants.
        findings: What the safety gate found, in words; empty for a model that only computes.
        disk_bytes: Bytes of all files.
        duplicate_bytes: Bytes of values that are stored more than once, by their checksums.
    """

    path: str
    format: str
    fingerprint: str
    variants: tuple[VariantReport, ...]
    findings: tuple[str, ...]
    disk_bytes: int
    duplicate_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)
