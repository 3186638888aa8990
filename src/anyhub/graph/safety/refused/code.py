"""Ops that run Python, compilers, or programs that they get as data, by what they do."""

from __future__ import annotations

OPS = {
    "calls Python": "PyFunc PyFuncStateless EagerPyFunc",
    "calls native code by its name": "XlaCustomCall XlaCustomCallV2",
    "compiles and runs a program": """
        XlaLaunch XlaLaunchV2 _XlaCompile _XlaRun MlirPassthroughOp XlaHostCompute
        _XlaHostComputeMlir TPUCompile _TPUCompileMlir TPUExecute TPUExecuteAndUpdateVariables
        TPUPartitionedCall _TPUReplicate _XlaCompileMlirPlaceholderProgramKey
    """,
    "makes a program from data, or data from a program": """
        DatasetFromGraph DatasetToGraph DatasetToGraphV2 SerializeIterator DeserializeIterator
    """,
    "reaches for an object of the process by its handle": """
        IteratorFromStringHandle IteratorFromStringHandleV2 MultiDeviceIteratorFromStringHandle
    """,
    # Only builds of TensorFlow with TensorRT know it. Its documentation warns that an engine from
    # someone else can run any code.
    "loads a compiled engine": "InitializeTRTResource",
}
