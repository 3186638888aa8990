"""What ops do besides computing: which change something, and which only look.

TensorFlow's op registry says "stateful" of both (so that nothing folds them), and does not say it
of the ops that write TF1's reference variables.

Source: `tensorflow/python/framework/auto_control_deps.py` and the op registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyhub.graph.op_defs import find_op

if TYPE_CHECKING:
    from anyhub.graph.ir import Graph, Node


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


REFERENCE_WRITERS = _names(
    """
    AccumulatorApplyGradient AccumulatorSetGlobalStep AccumulatorTakeGradient ApplyAdaMax
    ApplyAdadelta ApplyAdagrad ApplyAdagradDA ApplyAdagradV2 ApplyAdam ApplyAddSign
    ApplyCenteredRMSProp ApplyFtrl ApplyFtrlV2 ApplyGradientDescent ApplyMomentum ApplyPowerSign
    ApplyProximalAdagrad ApplyProximalGradientDescent ApplyRMSProp Assign AssignAdd AssignSub
    BarrierClose BarrierInsertMany BarrierTakeMany CountUpTo DestroyTemporaryVariable
    InitializeTable InitializeTableFromTextFile LookupTableImport LookupTableInsert NegTrain
    QueueClose QueueDequeue QueueDequeueMany QueueDequeueUpTo QueueEnqueue QueueEnqueueMany
    ReaderRead ReaderReadUpTo ReaderReset ReaderRestoreState ScatterAdd ScatterDiv ScatterMax
    ScatterMin ScatterMul ScatterNdAdd ScatterNdMax ScatterNdMin ScatterNdSub ScatterNdUpdate
    ScatterSub ScatterUpdate SdcaShrinkL1 SparseAccumulatorApplyGradient
    SparseAccumulatorTakeGradient SparseApplyAdadelta SparseApplyAdagrad SparseApplyAdagradDA
    SparseApplyAdagradV2 SparseApplyCenteredRMSProp SparseApplyFtrl SparseApplyFtrlV2
    SparseApplyMomentum SparseApplyProximalAdagrad SparseApplyProximalGradientDescent
    SparseApplyRMSProp StackClose StackPop StackPush StridedSliceAssign TensorArrayClose
    TensorArrayPack TensorArrayScatter TensorArraySplit TensorArrayUnpack TensorArrayWrite
    """
)
"""Ops that change what a TF1 reference refers to; the registry does not call them stateful."""

HANDLES = _names(
    """
    AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable
    AnonymousMutableHashTableOfTensors HashTable HashTableV2 MutableDenseHashTable
    MutableDenseHashTableV2 MutableHashTable MutableHashTableOfTensors
    MutableHashTableOfTensorsV2 MutableHashTableV2 VarHandleOp Variable VariableV2 _VarHandlesOp
    SentencepieceOp SummaryWriter MutexV2 FIFOQueue FIFOQueueV2 PaddingFIFOQueue
    PaddingFIFOQueueV2 PriorityQueue PriorityQueueV2 RandomShuffleQueue RandomShuffleQueueV2
    TensorArray TensorArrayV2 TensorArrayV3 Stack StackV2 TemporaryVariable Iterator IteratorV2
    AnonymousIterator AnonymousIteratorV2 AnonymousIteratorV3 OneShotIterator
    BoostedTreesEnsembleResourceHandleOp BoostedTreesQuantileStreamResourceHandleOp
    AnonymousSeedGenerator AnonymousRandomSeedGenerator AnonymousMemoryCache
    TFRecordReader TFRecordReaderV2 TextLineReader TextLineReaderV2 WholeFileReader
    WholeFileReaderV2 IdentityReader IdentityReaderV2 FixedLengthRecordReader
    FixedLengthRecordReaderV2 LMDBReader ConditionalAccumulator SparseConditionalAccumulator
    ResourceConditionalAccumulator Barrier
    """
)
"""Ops that give a handle to something that others read and write."""

REFERENCES = frozenset({"TemporaryVariable", "Variable", "VariableV2"})
"""Those of them whose handle is the value itself, of TF1's reference type."""

READERS = _names(
    """
    LookupTableExport LookupTableExportV2 LookupTableFind LookupTableFindV2 LookupTableSize
    LookupTableSizeV2 ReadVariableOp ReadVariableXlaSplitND ResourceGather ResourceGatherNd
    VarIsInitializedOp VariableShape IsVariableInitialized _ReadVariablesOp
    QueueIsClosed QueueIsClosedV2 QueueSize QueueSizeV2 TensorArraySize TensorArraySizeV3
    TensorArrayRead TensorArrayReadV3 TensorArrayGather TensorArrayGatherV3 TensorArrayConcat
    TensorArrayConcatV3 SentencepieceDetokenizeOp SentencepieceIdToStringOp
    SentencepieceStringToIdOp SentencepieceTokenizeOp SentencepieceTokenizeWithOffsetsOp
    SentencepieceVocabSizeOp WordpieceTokenizeWithOffsets BoostedTreesPredict
    BoostedTreesTrainingPredict BoostedTreesGetEnsembleStates BoostedTreesSerializeEnsemble
    BoostedTreesExampleDebugOutputs IsBoostedTreesEnsembleInitialized
    BoostedTreesQuantileStreamResourceGetBucketBoundaries
    IsBoostedTreesQuantileStreamResourceInitialized IteratorGetDevice IteratorToStringHandle
    ResourceInitializedOp IsResourceHandleRefCounting AccumulatorNumAccumulated
    ResourceAccumulatorNumAccumulated ReaderNumRecordsProduced ReaderNumRecordsProducedV2
    ReaderNumWorkUnitsCompleted ReaderNumWorkUnitsCompletedV2 BarrierReadySize
    BarrierIncompleteSize
    """
)
"""Ops that look at what a handle refers to and leave it alone."""

_WITHOUT_EFFECT = _names(
    """
    AllCandidateSampler CudnnRNN CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3 CudnnRNNV2
    CudnnRNNV3 DatasetToSingleElement DeepCopy DeviceIndex DisableCopyOnRead Empty
    FixedUnigramCandidateSampler GuaranteeConst IsTensorFloat32Enabled
    LearnedUnigramCandidateSampler LoadAndRemapMatrix LogUniformCandidateSampler
    MatchingFilesDataset Multinomial NonDeterministicInts ParameterizedTruncatedNormal RandomCrop
    RandomGamma
    RandomPoisson RandomPoissonV2 RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt
    ReduceDataset Restore RestoreSlice RestoreV2 SampleDistortedBoundingBox
    SampleDistortedBoundingBoxV2 StatelessRandomGetAlg ThreadUnsafeUnigramCandidateSampler Timestamp
    TruncatedNormal UniformCandidateSampler XlaDequantize _Arg _Retval
    """
)

SEEN_FROM_OUTSIDE_ONLY = _names(
    """
    Assert CheckNumerics CheckNumericsV2 CloseSummaryWriter CreateSummaryFileWriter DumpTensor
    FlushSummaryWriter ImportEvent MergeV2Checkpoints Print PrintV2 Save SaveSlices SaveV2
    SleepIdentityOp SleepOp WriteAudioSummary WriteFile WriteGraphSummary WriteHistogramSummary
    WriteImageSummary WriteRawProtoSummary WriteScalarSummary WriteSummary
    """
)
"""Ops whose effects no other op of a model sees: messages, summaries, checks, files."""

CONTROL_FLOW = _names(
    """
    Enter Exit LoopCond Merge NextIteration RefEnter RefExit RefMerge RefNextIteration RefSwitch
    Switch _SwitchN
    """
)
"""Ops of TF1's control flow, where values can be dead and nodes run many times."""


def is_stateful(node: Node) -> bool:
    """Whether results depend on more than inputs, or something changes; unknown ops count."""
    definition = find_op(node.op)
    return definition is None or definition.is_stateful or node.op in REFERENCE_WRITERS


def has_effect(node: Node) -> bool:
    """Whether running a node may change something; calls and unknown ops may."""
    if node.op in HANDLES or node.op in READERS or node.op in _WITHOUT_EFFECT:
        return False
    # Making a dataset is stateful so that nothing folds it; reading files is its iterator's work.
    return is_stateful(node) and not node.op.endswith(("Dataset", "DatasetV2", "DatasetV3"))


def has_control_flow(graph: Graph) -> bool:
    """Whether TF1's control flow ops are in a graph."""
    return any(node.op in CONTROL_FLOW for node in graph.nodes.values())
