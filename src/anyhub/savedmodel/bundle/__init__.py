"""Tensor bundles: the files that hold the values of variables ("variables.index" and its shards).

A bundle is known by its prefix. `<prefix>.index` is a table in LevelDB's format: under the empty
key a header, under every other key where a tensor's bytes lie. `<prefix>.data-00000-of-00003` and
so on are the shards with those bytes. A partitioned variable has an entry that lists its slices,
and for every slice an entry of its own under a binary key.

Source: TensorFlow 2.21, `tensorflow/core/util/tensor_bundle/tensor_bundle.{h,cc}` and
`tensorflow/core/protobuf/tensor_bundle.proto`; LevelDB, `doc/table_format.md`. Bundles of
big-endian machines and checkpoints of version 1 are recognised and refused.
"""

from anyhub.savedmodel.bundle.entries import Entry
from anyhub.savedmodel.bundle.reader import Bundle, open_bundle
from anyhub.savedmodel.bundle.slices import Extent, TensorSlice
from anyhub.savedmodel.bundle.values import (
    Alias,
    PartitionedTensor,
    RawTensor,
    TensorLike,
    TensorReference,
)
from anyhub.savedmodel.bundle.writer import write_bundle

__all__ = [
    "Alias",
    "Bundle",
    "Entry",
    "Extent",
    "PartitionedTensor",
    "RawTensor",
    "TensorLike",
    "TensorReference",
    "TensorSlice",
    "open_bundle",
    "write_bundle",
]
