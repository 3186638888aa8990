"""Runs plans on tensorflow: op by op."""

from anyhub.engines.portable.execution import Executor, not_compiled

__all__ = ["Executor", "not_compiled"]
