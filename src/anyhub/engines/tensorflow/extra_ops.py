"""Which package registers which op that TensorFlow itself does not have.

A SavedModel names its ops but not the library they come from. The names are those that the
packages register (`REGISTER_OP` in tensorflow/text and the other projects).
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from dataclasses import dataclass

_NOT_REGISTERED = re.compile(r"Op type not registered '([^']+)'")


@dataclass(frozen=True)
class OpLibrary:
    """A package with ops.

    Attributes:
        module: What to import to register the ops.
        package: What to install.
        ops: Regular expression for the names of its ops.
    """

    module: str
    package: str
    ops: re.Pattern[str]


_LIBRARIES = (
    OpLibrary(
        "tensorflow_text",
        "tensorflow-text",
        re.compile(
            r"TFText>|Sentencepiece|CaseFoldUTF8|NormalizeUTF8|RegexSplitWithOffsets|"
            r"Wordpiece|FastWordpiece|FastBert|WhitespaceTokenize|UnicodeScriptTokenize|"
            r"SplitMergeTokenize|SentenceFragments|RougeL|ConstrainedSequence|MaxSpanningTree|"
            r"MstSolver|TokenizerFromLogits|OffsetFromLogits|RoundRobinTrimmer|Utf8Binarize|"
            r"PhraseTokenize|RoundRobinGenerateMasks|NgramsStringJoin"
        ),
    ),
    OpLibrary("tensorflow_decision_forests", "tensorflow-decision-forests", re.compile("SimpleML")),
    OpLibrary("tensorflow_addons", "tensorflow-addons", re.compile("Addons>")),
    OpLibrary("tensorflow_io", "tensorflow-io", re.compile("IO>")),
    OpLibrary("reverb", "dm-reverb", re.compile("Reverb")),
    OpLibrary("struct2tensor", "struct2tensor", re.compile("DecodeProtoSparseV|EquiJoin")),
)


def missing_op(error: Exception) -> str | None:
    """The name of the op that TensorFlow does not know, if that is what an error says."""
    match = _NOT_REGISTERED.search(str(error))
    return match[1] if match else None


def find_library(op: str) -> OpLibrary | None:
    """The package that has an op, None when nobody knows."""
    return next((library for library in _LIBRARIES if library.ops.match(op)), None)


def import_library(library: OpLibrary) -> bool:
    """Register a package's ops, if it is installed."""
    if importlib.util.find_spec(library.module) is None:
        return False
    importlib.import_module(library.module)
    return True
