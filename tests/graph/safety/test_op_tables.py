"""The tables of ops against TensorFlow's registry, and against names that sound like harm."""

from __future__ import annotations

import fnmatch
import re

import pytest

from anyhub.graph.safety.assets import ASSET_OPS
from anyhub.graph.safety.attributes import ATTRIBUTE_RULES, CACHES
from anyhub.graph.safety.custom_calls import XLA_CALL
from anyhub.graph.safety.known_ops import GPU_ONLY, RETIRED, known_ops
from anyhub.graph.safety.refused import (
    REFUSED,
    code,
    datasets,
    denial_of_service,
    files_read,
    files_write,
    network,
)
from anyhub.graph.safety.savers import SAVER_OPS
from anyhub.graph.safety.tensorrt import TRT_ENGINE
from anyhub.savedmodel import schema

JUDGED = {*SAVER_OPS, *ASSET_OPS, *ATTRIBUTE_RULES, *CACHES, XLA_CALL, TRT_ENGINE}
TABLES = [files_read, files_write, datasets, network, code, denial_of_service]

SUSPICIOUS_NAME = re.compile(
    r"Reader|File|Path|Dir(?!ect)|Dataset|Record|Sql|LMDB|CSV|Snapshot|Rpc|Send|Recv|Remote|Service"
    r"|Summary|Event|Debug|Dump|Save|Saver|Restore|Checkpoint|Write(?!r?V?\d*$)|Load|Import|Export"
    r"|PyFunc|Python|Iterator|Collective|Nccl|TPU|Tpu|TRT|Mlir|XlaCall|XlaCustom|XlaHost|XlaLaunch"
    r"|Compile|Heartbeat|Sleep|Abort|Memory|Session|Handle|Serialize|Copy|Print|Proto|Vocab"
)

# Reviewed one by one: what they do stays in the process and its memory.
HARMLESS = {
    "transforms, counts or describes a dataset that another op makes": """
        Dataset*Cardinality DatasetCardinality DatasetFingerprint DatasetToSingleElement
        AssertCardinalityDataset AssertNextDataset AssertPrevDataset AutoShardDataset BatchDataset*
        BytesProducedStatsDataset ChooseFastest*Dataset ConcatenateDataset
        DenseToSparseBatchDataset DirectedInterleaveDataset Filter*Dataset FinalizeDataset
        FlatMapDataset GeneratorDataset GlobalShuffleDataset GroupBy*Dataset IgnoreErrorsDataset
        IndexFlatMapDataset InterleaveDataset LatencyStatsDataset LegacyParallelInterleaveDatasetV2
        ListDataset MapAndBatchDataset MapDataset MaxIntraOpParallelismDataset ModelDataset
        NonSerializableDataset OptimizeDataset* OptionsDataset PaddedBatchDataset*
        Parallel*Dataset* ParseExampleDataset* PrefetchDataset PrivateThreadPoolDataset
        RandomDataset* RangeDataset RebatchDataset* ReduceDataset RepeatDataset RewriteDataset
        SamplingDataset ScanDataset SetStatsAggregatorDataset ShardDataset ShuffleAndRepeatDataset*
        ShuffleDataset* SkipDataset SlidingWindowDataset SparseTensorSliceDataset Take*Dataset
        TensorDataset TensorSliceDataset ThreadPoolDataset UnbatchDataset UniqueDataset
        WeightedFlatMapDataset WindowDataset ZipDataset UnwrapDatasetVariant WrapDatasetVariant
        InitializeTableFromDataset
        ExperimentalAssertNextDataset ExperimentalAutoShardDataset
        ExperimentalBytesProducedStatsDataset ExperimentalChooseFastestDataset
        ExperimentalDatasetCardinality ExperimentalDenseToSparseBatchDataset
        ExperimentalDirectedInterleaveDataset ExperimentalGroupBy*Dataset
        ExperimentalIgnoreErrorsDataset ExperimentalLatencyStatsDataset
        ExperimentalMapAndBatchDataset ExperimentalMapDataset
        ExperimentalMaxIntraOpParallelismDataset ExperimentalNonSerializableDataset
        ExperimentalParallelInterleaveDataset ExperimentalParseExampleDataset
        ExperimentalPrivateThreadPoolDataset ExperimentalRandomDataset ExperimentalRebatchDataset
        ExperimentalScanDataset ExperimentalSetStatsAggregatorDataset
        ExperimentalSlidingWindowDataset ExperimentalTakeWhileDataset ExperimentalThreadPoolDataset
        ExperimentalUnbatchDataset ExperimentalUniqueDataset
    """,
    "walks a dataset that another op makes": """
        AnonymousIterator* AnonymousMultiDeviceIterator* DeleteIterator DeleteMultiDeviceIterator
        DummyIterationCounter Iterator IteratorV2 IteratorGetDevice IteratorGetModelProto
        IteratorGetNext IteratorGetNextAsOptional IteratorGetNextSync IteratorToStringHandle
        ExperimentalIteratorGetDevice MakeIterator MultiDeviceIterator
        MultiDeviceIteratorGetNextFromShard MultiDeviceIteratorInit
        MultiDeviceIteratorToStringHandle OneShotIterator
    """,
    "asks how far a reader is, or resets it: readers themselves are refused": """
        ReaderNum* ReaderReset* ReaderSerializeState*
    """,
    "makes a summary as a string": """
        AudioSummary* HistogramSummary ImageSummary MergeSummary ScalarSummary TensorSummary*
        BoostedTreesMakeStatsSummary *StatsAggregatorSummary
    """,
    "computes debugging figures in memory": """
        DebugGradientIdentity DebugGradientRefIdentity DebugNumericSummaryV2
        BoostedTreesExampleDebugOutputs
    """,
    "parses or makes bytes in memory": """
        DecodeCSV SerializeManySparse SerializeSparse SerializeTensor DeserializeManySparse
        DeserializeSparse BoostedTreesSerializeEnsemble BoostedTreesDeserializeEnsemble
        TpuHandleToProtoKey
    """,
    "keeps tensors, tables or handles in memory": """
        AnonymousMemoryCache DeleteMemoryCache DummyMemoryCache TensorArrayWrite* GetSessionHandle*
        GetSessionTensor DeleteSessionTensor LookupTableExport* LookupTableImport*
        VarHandleOp _VarHandlesOp _XlaAotOnlyVarHandleOp StubResourceHandleOp MakeWeakResourceHandle
        IsResourceHandleRefCounting BoostedTrees*ResourceHandleOp *StatsAggregatorHandle*
        *ThreadPoolHandle DisableCopyOnRead Snapshot
    """,
    "copies a tensor within the machine": """
        CopyToMesh* DeepCopy CopyOp _CopyFromGpuToHost _CopyFromHostToGpu TPUCopyWithDynamicShape
    """,
    "prints to the error stream": "Print",
    "only names a file": "ShardedFilespec",
    "marks or shapes tensors of a TPU program, or its tables: no set-up, no transfer": """
        LoadTPUEmbedding* LoadAllTPUEmbeddingParameters RetrieveTPUEmbedding*
        RetrieveAllTPUEmbeddingParameters EnqueueTPUEmbedding* DynamicEnqueueTPUEmbedding*
        TPUEmbeddingActivations IsTPUEmbeddingInitialized TPUReplicate* TPUPartitionedInput*
        TPUPartitionedOutput* TPUOrdinalSelector TPURoundRobin TPUDummyInput TPUReshardVariables
        TPUAnnotateTensorsWithDynamicShape TPUCompilationResult TPUCompileSucceededAssert
        XlaRecvTPUEmbedding* XlaSendTPUEmbedding* GetTpuTaskId
    """,
    "holds its model as bytes": "SentencepieceVocabSizeOp",
    "selects, resizes or joins": "SampleDistortedBoundingBox* StatelessSampleDistortedBoundingBox",
}

SUSPICIOUS_INPUT = re.compile(
    r"file|path|(?<!in)dir|prefix|pattern|address|host|url|uri|logdir|graph"
)
HARMLESS_INPUTS = {
    "a regular expression": "Regex* StaticRegex*",
    "the beginning of a counter's name": "*SetStatsAggregatorDataset",
}
SUSPICIOUS_ATTRIBUTE = re.compile(
    r"file|path|prefix|pattern|url|region|source|stream|address|spec$"
)
HARMLESS_ATTRIBUTES = {
    "a regular expression": "StaticRegexFullMatch StaticRegexReplace",
    "a type, of arguments or of elements": "RegisterDataset* RpcServerRegister",
    "dimensions of an array": "XlaCallModule",
    "which gradient an array belongs to": "TensorArrayGrad*",
}


def matches(table: dict[str, str], name: str) -> bool:
    patterns = " ".join(table.values()).split()
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def test_no_op_is_in_two_tables() -> None:
    listed = [op for table in TABLES for ops in table.OPS.values() for op in ops.split()]
    assert len(listed) == len(set(listed)) == len(REFUSED)
    assert not JUDGED & set(listed)


def test_every_listed_op_is_known() -> None:
    assert (REFUSED.keys() | JUDGED) <= known_ops()


def test_names_that_sound_like_harm_are_judged() -> None:
    unjudged = [
        op
        for op in sorted(known_ops() - REFUSED.keys() - JUDGED - GPU_ONLY)
        if SUSPICIOUS_NAME.search(op) and not matches(HARMLESS, op)
    ]
    assert unjudged == []


def test_the_reviewed_table_excuses_no_refused_op() -> None:
    excused = {op for op in REFUSED.keys() | JUDGED if matches(HARMLESS, op)}
    assert excused == set()
    for patterns in HARMLESS.values():
        for pattern in patterns.split():
            assert fnmatch.filter(known_ops(), pattern), f"{pattern} matches no op"


@pytest.fixture(scope="module")
def registry() -> dict:
    tensorflow = pytest.importorskip("tensorflow", reason="the registry is TensorFlow's")
    pytest.importorskip("tensorflow_text", reason="registers the ops of texts")
    if not tensorflow.__version__.startswith("2.21."):
        pytest.skip(f"the list was made from TensorFlow 2.21, this is {tensorflow.__version__}")
    from tensorflow.python.client import pywrap_tf_session

    buffer = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    return {op.name: op for op in schema.message_class("OpList").FromString(buffer).op}


def test_known_ops_are_those_of_the_registry(registry) -> None:
    # Other tests may have loaded libraries with ops of their own.
    assert known_ops() - GPU_ONLY - RETIRED <= registry.keys()
    assert not RETIRED & registry.keys()
    assert REFUSED.keys() | JUDGED <= registry.keys() | GPU_ONLY


def test_inputs_that_sound_like_files_are_judged(registry) -> None:
    unjudged = {
        op.name: argument.name
        for op in registry.values()
        for argument in op.input_arg
        if (argument.type == 7 or argument.type_attr) and SUSPICIOUS_INPUT.search(argument.name)
        if op.name not in REFUSED and op.name not in JUDGED
        if not matches(HARMLESS_INPUTS, op.name)
    }
    assert unjudged == {}


def test_attributes_that_sound_like_files_are_judged(registry) -> None:
    unjudged = {
        op.name: attribute.name
        for op in registry.values()
        for attribute in op.attr
        if attribute.type in {"string", "list(string)"}
        if SUSPICIOUS_ATTRIBUTE.search(attribute.name)
        if op.name not in REFUSED and op.name not in ATTRIBUTE_RULES
        if not matches(HARMLESS_ATTRIBUTES, op.name)
    }
    assert unjudged == {}


def test_defaults_of_judged_attributes_are_harmless(registry) -> None:
    for op, rule in ATTRIBUTE_RULES.items():
        (attribute,) = [a for a in registry[op].attr if a.name == rule.attribute]
        assert attribute.type in {"string", "list(string)"}
        assert rule.harmless.fullmatch(attribute.default_value.s)


def test_judged_inputs_are_where_the_registry_has_them(registry) -> None:
    names = {"filename", "prefix", "basename", "checkpoint_prefixes", "destination_prefix"}
    positions = {op: (at,) for op, at in (ASSET_OPS | CACHES).items()} | SAVER_OPS
    for op, inputs in positions.items():
        assert {registry[op].input_arg[at].name for at in inputs} <= names


def test_our_messages_miss_no_field_of_tensorflows() -> None:
    """What the schema does not list would be hidden from the scan."""
    pytest.importorskip("tensorflow", reason="the messages are TensorFlow's")
    from tensorflow.core.protobuf import saved_model_pb2

    missing: set[str] = set()
    seen: set[str] = set()

    def compare(ours, theirs) -> None:
        if theirs.full_name in seen:
            return
        seen.add(theirs.full_name)
        for field in theirs.fields:
            same = ours.fields_by_number.get(field.number)
            if same is None or (same.name, same.type) != (field.name, field.type):
                missing.add(f"{theirs.full_name}.{field.name}")
            elif field.message_type:
                compare(same.message_type, field.message_type)

    compare(schema.SavedModel.DESCRIPTOR, saved_model_pb2.SavedModel.DESCRIPTOR)
    # Stack traces for messages.
    assert missing <= {"tensorflow.GraphDef.debug_info"}
