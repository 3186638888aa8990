"""Ops that read files or list directories, by what they do."""

from __future__ import annotations

OPS = {
    "lists the files of a directory": "MatchingFiles",
    "reads files": """
        WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2
        FixedLengthRecordReader FixedLengthRecordReaderV2 TFRecordReader TFRecordReaderV2
        LMDBReader IdentityReader IdentityReaderV2 ReaderRead ReaderReadV2 ReaderReadUpTo
        ReaderReadUpToV2 ReaderRestoreState ReaderRestoreStateV2 RecordInput
        GenerateVocabRemapping
    """,
    # memory_region_name is a file name wherever the platform has no other memory regions.
    "maps a file into memory": "ImmutableConst",
    # Checkpoints of version 1 and of DTensor: no SavedModel of the last ten years needs them.
    "reads a checkpoint": "LoadAndRemapMatrix Restore RestoreSlice DTensorRestoreV2",
}
