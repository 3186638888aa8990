"""`anyhub run`: call a model from the command line.

Inputs are `--input NAME=VALUE` (or just `VALUE` when there is one input), where VALUE is JSON,
plain text, or `@file.npy` / `@file.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anyhub.errors import HubError, InputError, SignatureError

if TYPE_CHECKING:
    import argparse


def add_parser(commands: Any) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("run", help="call a signature of a model")
    parser.add_argument("handle", help="directory or URL of a model")
    parser.add_argument(
        "--input",
        "-i",
        action="append",
        default=[],
        metavar="[NAME=]VALUE",
        help="an input: JSON, text, or @file.npy or @file.json",
    )
    parser.add_argument("--signature", "-s", help="default: the only one, or serving_default")
    parser.add_argument("--tags", help="graph variant, tags separated by commas")
    parser.add_argument("--engine", help="default: chosen by what is installed")
    parser.add_argument("--output", "-o", type=Path, help="write the outputs to this .npz file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Call the model and print its outputs."""
    from anyhub.engines import load

    given = dict(_split(text) for text in arguments.input)
    tags = None if arguments.tags is None else [tag for tag in arguments.tags.split(",") if tag]
    loaded = load(arguments.handle, tags, engine=arguments.engine)
    name, function = _choose_signature(loaded, arguments.signature, arguments.handle)
    inputs = _bind(given, function.structured_input_signature[1], name)
    outputs = {key: np.asarray(value) for key, value in function(**inputs).items()}
    if arguments.output:
        np.savez(arguments.output, **outputs)  # type: ignore[arg-type] # some stubs know options only
    if arguments.json:
        print(json.dumps({key: _plain(value) for key, value in outputs.items()}))
    elif not arguments.output:
        for key, value in outputs.items():
            print(f"{key}: {value.dtype} {value.shape}\n{value}")
    return 0


def _split(text: str) -> tuple[str, Any]:
    """Split NAME=VALUE; JSON and file references may hold `=` themselves."""
    name, equals, value = text.partition("=")
    if equals and name.isidentifier():
        return name, _read(value)
    return "", _read(text)


def _read(text: str) -> Any:
    if text.startswith("@"):
        return _read_file(Path(text[1:]))
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_file(path: Path) -> Any:
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise HubError(
            f"cannot read input file {str(path)!r}: {error}; accepted are .npy and .json files"
        ) from error


def _choose_signature(loaded: Any, wanted: str | None, handle: str) -> tuple[str, Any]:
    signatures = dict(loaded.signatures)
    names = ", ".join(map(repr, signatures)) or "none"
    if wanted is None:
        for name in ("serving_default", "default", *signatures):
            if name in signatures and (len(signatures) == 1 or name.endswith("default")):
                return name, signatures[name]
        raise SignatureError(f"{handle!r}: pass --signature, one of: {names}")
    if wanted not in signatures:
        raise SignatureError(f"{handle!r} has no signature {wanted!r}; available: {names}")
    return wanted, signatures[wanted]


def _bind(given: dict[str, Any], specs: Any, signature: str) -> dict[str, Any]:
    """Match the given values with the signature's inputs and give them its dtypes."""
    import tensorflow as tf

    if "" in given and len(specs) == 1:
        given = {next(iter(specs)): given.pop(""), **given}
    described = ", ".join(f"{n}: {s.dtype.name} {s.shape}" for n, s in specs.items()) or "nothing"
    if set(given) != set(specs):
        found = ", ".join(repr(name) if name else "an input without a name" for name in given)
        raise InputError(
            f"signature {signature!r} takes {described}; found {found or 'no input'}; "
            "pass each as --input NAME=VALUE"
        )
    bound = {}
    for name, spec in specs.items():
        try:
            bound[name] = tf.constant(given[name], dtype=spec.dtype)
        except (TypeError, ValueError) as error:
            raise InputError(f"input {name!r} does not fit {described}: {error}") from error
        if not spec.shape.is_compatible_with(bound[name].shape):
            raise InputError(
                f"input {name!r} has shape {tuple(bound[name].shape)}, accepted {spec.shape}"
            )
    return bound


def _plain(value: Any) -> Any:
    if value.dtype.kind in "OS":
        texts = [
            item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
            for item in value.ravel()
        ]
        return np.array(texts, dtype=object).reshape(value.shape).tolist()
    return value.tolist()
