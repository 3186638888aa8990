"""Reads `saved_model.pb` or `.pbtxt` with TensorFlow's own message classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from anyhub.errors import SavedModelError

if TYPE_CHECKING:
    from anyhub.savedmodel import ModelLayout


def read_saved_model_proto(layout: ModelLayout) -> Any:
    """Parse the file that describes the model.

    Returns:
        A `tensorflow.SavedModel` message.

    Raises:
        SavedModelError: The file is cut or is no such message.
    """
    path = layout.graph_file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SavedModelError(f"cannot read {str(path)!r}: {error.strerror}") from error
    message = saved_model_pb2.SavedModel()
    try:
        if path.suffix == ".pbtxt":
            text_format.Parse(data.decode("utf-8"), message)
        else:
            message.ParseFromString(data)
    except (DecodeError, UnicodeDecodeError, text_format.ParseError) as error:
        raise SavedModelError(
            f"file {str(path)!r} ({len(data)} bytes) is cut short or is no SavedModel: {error}; "
            "fetch the model again"
        ) from error
    if not message.meta_graphs:
        raise SavedModelError(
            f"file {str(path)!r} ({len(data)} bytes) holds no graph; fetch the model again"
        )
    return message
