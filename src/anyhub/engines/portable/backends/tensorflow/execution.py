"""Runs plans on tensorflow: op by op."""

from anyhub.engines.portable.execution import Executor

__all__ = ["Executor"]
