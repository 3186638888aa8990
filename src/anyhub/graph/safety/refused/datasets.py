"""Datasets that live in files, by what they do."""

from __future__ import annotations

OPS = {
    "reads records from files": """
        TextLineDataset TFRecordDataset TFRecordDatasetV2 FixedLengthRecordDataset
        FixedLengthRecordDatasetV2 CSVDataset CSVDatasetV2 ExperimentalCSVDataset LMDBDataset
        ExperimentalLMDBDataset LoadDataset
    """,
    "opens a database": "SqlDataset ExperimentalSqlDataset",
    "lists the files of a directory": "MatchingFilesDataset ExperimentalMatchingFilesDataset",
    "reads or writes snapshots of a dataset": """
        SnapshotDataset SnapshotDatasetV2 SnapshotDatasetReader SnapshotNestedDatasetReader
        SnapshotChunkDataset ListSnapshotChunksDataset
    """,
    "writes a dataset to files": """
        SaveDataset SaveDatasetV2 DistributedSave DatasetToTFRecord ExperimentalDatasetToTFRecord
    """,
}
