"""What a model offers, found out without running or loading it."""

from anyhub.inspection.describing import inspect
from anyhub.inspection.report import (
    ArgumentReport,
    EndpointReport,
    FormReport,
    ModelReport,
    VariablesReport,
    VariantReport,
)

__all__ = [
    "ArgumentReport",
    "EndpointReport",
    "FormReport",
    "ModelReport",
    "VariablesReport",
    "VariantReport",
    "inspect",
]
