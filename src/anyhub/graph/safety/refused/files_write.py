"""Ops that write files, by what they do."""

from __future__ import annotations

OPS = {
    "writes a file": "WriteFile DumpTensor CalibrationStatisticsSaver",
    "writes a checkpoint": "Save SaveSlices",
    "writes event files": """
        SummaryWriter CreateSummaryFileWriter CreateSummaryDbWriter WriteSummary
        WriteScalarSummary WriteHistogramSummary WriteImageSummary WriteAudioSummary
        WriteGraphSummary WriteRawProtoSummary ImportEvent FlushSummaryWriter CloseSummaryWriter
        StatsAggregatorSetSummaryWriter
    """,
    "sends what it sees to the files or addresses of debug_urls": """
        DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount DebugNumericSummary
    """,
    "changes the settings of a file system": "FileSystemSetConfiguration",
    # Only builds of TensorFlow with TensorRT know it.
    "writes a compiled engine to a file": "SerializeTRTResource",
}
