"""Ops that may read a file, if it is one of the model's own assets.

An asset's path reaches an op in three ways:

- TF2: a function captures an asset object of the object graph;
- TF2 in sessions: the initializer stores a placeholder, which the loader feeds with the path, in a
  variable, from where signatures read it;
- TF1: the loader feeds a constant while it runs the initializer. The constant itself holds a path
  of the machine that exported the model, so no signature may depend on it.

Source: `tensorflow/python/saved_model/{load,save,loader_impl,builder_impl}.py`; AssetFileDef in
`tensorflow/core/protobuf/meta_graph.proto`: a file name below the model's `assets` directory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from anyhub.graph.safety.findings import Family, Finding
from anyhub.graph.safety.roots import Roots, node_name
from anyhub.graph.safety.tracing import Exposure, SourceRule, data_inputs
from anyhub.savedmodel import schema

if TYPE_CHECKING:
    from anyhub.graph.safety.program import Program, Scope, Site

ASSET_OPS = {
    "InitializeTableFromTextFile": 1,
    "InitializeTableFromTextFileV2": 1,
    "ReadFile": 0,
}
"""The input that is a file name, by op."""

VARIABLE = "VarHandleOp"
# These stand in functions that nobody runs, where one model was exported out of another.
_LEFT_OVERS = frozenset({"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"})
_COLLECTION = "saved_model_assets"
_ASSET_TYPE = "tensorflow.AssetFileDef"
_AssetFileDef = schema.message_class("AssetFileDef")
# What may be done with the variable that holds an asset's path.
_VARIABLE_USERS = frozenset({"AssignVariableOp", "ReadVariableOp", "VarIsInitializedOp"})


class Assets:
    """The assets that a metagraph declares."""

    def __init__(self, program: Program) -> None:
        self._program = program

    @cached_property
    def protos(self) -> tuple[Any, ...]:
        """AssetFileDef messages: the metagraph's own, else those of TF1's collection."""
        metagraph = self._program.metagraph
        if metagraph is None:
            return ()
        if metagraph.asset_file_def or _COLLECTION not in metagraph.collection_def:
            return tuple(metagraph.asset_file_def)
        return tuple(_unpack(metagraph.collection_def[_COLLECTION].any_list.value))

    @cached_property
    def files(self) -> Mapping[str, list[str]]:
        """The files whose paths are fed to each node of the main graph."""
        found: dict[str, list[str]] = defaultdict(list)
        for proto in self.protos:
            found[node_name(proto.tensor_info.name)].append(proto.filename)
        return found

    def has(self, filename: str) -> bool:
        """Whether the model brings this file along."""
        return is_inside(filename) and filename in self._program.asset_files


class AssetPath(SourceRule):
    """Accepts paths of assets.

    Args:
        program: The graph.
        roots: What is run in it.
        exposure: Who calls its functions.
        accepts_constants: Whether a constant that the loader feeds will do.
    """

    def __init__(
        self, program: Program, roots: Roots, exposure: Exposure, *, accepts_constants: bool
    ) -> None:
        super().__init__(program, roots, exposure)
        self._assets = Assets(program)
        self._sources = {"Placeholder", "PlaceholderV2"}
        if accepts_constants:
            self._sources |= {"Const", "PlaceholderWithDefault"}

    def accepts_node(self, scope: Scope, node: Any, steps: int) -> bool:
        """See the base class."""
        if scope.function is not None:
            return False
        if node.op in self._sources and node.name in self._assets.files:
            return all(self._assets.has(name) for name in self._assets.files[node.name])
        if node.op == "ReadVariableOp" and node.input:
            return self._accepts_variable(node_name(node.input[0]), steps)
        return False

    def accepts_capture(self, node_id: int) -> bool:
        """See the base class."""
        objects = self.program.metagraph.object_graph_def.nodes
        if not 0 <= node_id < len(objects) or objects[node_id].WhichOneof("kind") != "asset":
            return False
        protos = self.program.metagraph.asset_file_def
        index = objects[node_id].asset.asset_file_def_index
        return 0 <= index < len(protos) and self._assets.has(protos[index].filename)

    def _accepts_variable(self, name: str, steps: int) -> bool:
        """Whether a variable of the main graph only ever holds paths of assets."""
        variable = self.program.main.by_name.get(name)
        if variable is None or variable.op != VARIABLE or name in self.roots.fed:
            return False
        if self._variables[_resource(variable)] != 1:
            return False
        users = self._users.get(name, [])
        if any(user.op not in _VARIABLE_USERS for user in users):
            return False
        values = [data_inputs(user) for user in users if user.op == "AssignVariableOp"]
        return bool(values) and all(
            len(inputs) == 2
            and node_name(inputs[0]) == name
            and self.allows(self.program.main, inputs[1], steps)
            for inputs in values
        )

    @cached_property
    def _users(self) -> Mapping[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        for node in self.program.main.nodes:
            for name in {node_name(value) for value in data_inputs(node)}:
                found[name].append(node)
        return found

    @cached_property
    def _variables(self) -> Mapping[tuple[bytes, bytes], int]:
        """How many nodes make a handle of each variable, in the whole program."""
        found: dict[tuple[bytes, bytes], int] = defaultdict(int)
        for site in self.program.contents.by_op.get(VARIABLE, ()):
            found[_resource(site.node)] += 1
        return found


class AssetJudge:
    """Finds file names that are not those of assets."""

    def __init__(self, program: Program, roots: Roots, exposure: Exposure) -> None:
        self._program = program
        self._roots = roots
        self._exposure = exposure
        self._stored = AssetPath(program, roots, exposure, accepts_constants=False)
        self._fed = AssetPath(program, roots, exposure, accepts_constants=True)

    def findings(self) -> Iterator[Finding]:
        """Judge every op that may read an asset, and the names of the assets themselves."""
        for proto in Assets(self._program).protos:
            if not is_inside(proto.filename):
                yield self._outside(proto)
        for op, position in ASSET_OPS.items():
            for site in self._program.contents.by_op.get(op, ()):
                if not self._is_asset(site, position):
                    yield self._foreign(site)

    def _is_asset(self, site: Site, position: int) -> bool:
        inputs = data_inputs(site.node)
        runners = self._exposure.runners(site)
        left_over = runners is not None and not runners
        if position >= len(inputs) or (left_over and site.node.op not in _LEFT_OVERS):
            return False
        if self._stored.allows(site.scope, inputs[position]):
            return True
        if runners is None or runners & self._roots.run_by_signatures:
            return False
        return self._fed.allows(site.scope, inputs[position])

    def _foreign(self, site: Site) -> Finding:
        return Finding(
            op=site.node.op,
            function=site.scope.function,
            node=site.node.name,
            place=self._program.place(site.scope),
            reason="reads a file that is not proven to be one of the model's own assets",
            family=Family.FILES_READ,
        )

    def _outside(self, proto: Any) -> Finding:
        return Finding(
            op="AssetFileDef",
            function=None,
            node=proto.filename,
            place=f"list of assets of {self._program.name}",
            reason="names a file outside of the model's `assets` directory",
            family=Family.FILES_READ,
        )


def is_inside(filename: str) -> bool:
    """Whether a relative file name stays below the directory that it is joined to."""
    path = PurePosixPath(filename)
    return (
        filename != ""
        and not path.is_absolute()
        and ".." not in path.parts
        and not PureWindowsPath(filename).drive
        and "\\" not in filename
    )


def _unpack(values: Any) -> Iterator[Any]:
    for value in values:
        if value.type_url.rpartition("/")[2] == _ASSET_TYPE:
            try:
                yield _AssetFileDef.FromString(value.value)
            except DecodeError:
                continue  # TensorFlow does not load such a model


def _resource(variable: Any) -> tuple[bytes, bytes]:
    """What makes two handles the same variable: container and shared name, else the node's name."""
    attributes = variable.attr
    container = attributes["container"].s if "container" in attributes else b""
    shared = attributes["shared_name"].s if "shared_name" in attributes else b""
    return container, shared or variable.name.encode()
