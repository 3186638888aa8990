"""Runs plans on torch: op by op."""

from anyhub.engines.portable.execution import Executor

__all__ = ["Executor"]
