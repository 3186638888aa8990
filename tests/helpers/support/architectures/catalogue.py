"""All architectures by name."""

from __future__ import annotations

from support.architectures.applications import APPLICATIONS
from support.architectures.convolutional import CONVOLUTIONAL
from support.architectures.recurrent import RECURRENT
from support.architectures.transformers import TRANSFORMERS

ARCHITECTURES = {**APPLICATIONS, **CONVOLUTIONAL, **RECURRENT, **TRANSFORMERS}
