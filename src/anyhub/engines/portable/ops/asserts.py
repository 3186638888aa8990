"""Ops that tell people something: failed assertions, messages."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

from anyhub.engines.portable import values
from anyhub.engines.portable.registry import lower_raw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anyhub.engines.portable.node_view import NodeView
    from anyhub.engines.portable.registry import Compute

_log = logging.getLogger("anyhub.model")


@lower_raw(
    "Assert", limits="A condition that is known only when compiled code runs is not checked."
)
def assert_(node: NodeView) -> Compute:
    most = node.integer("summarize")

    def run(_run: Any, condition: Any, *data: Any) -> None:
        if values.is_traced(condition) or values.to_host(condition).item():
            return
        raise ValueError(f"an assertion of the model failed: {_shown(data, most)}")

    return run


@lower_raw("Print", limits="Goes to the logger 'anyhub.model'.")
def print_(node: NodeView) -> Compute:
    message, most = node.text("message"), node.integer("summarize")
    first = node.integer("first_n")
    count = itertools.count()

    def run(_run: Any, value: Any, *data: Any) -> Any:
        if first < 0 or next(count) < first:
            _log.info("%s%s", message, _shown(data, most))
        return value

    return run


@lower_raw("PrintV2", limits="Goes to the logger 'anyhub.model'.")
def print_v2(node: NodeView) -> Compute:
    # A logger ends its lines and knows where they go.
    level = _LEVELS.get(node.text("output_stream"), logging.INFO)

    def run(_run: Any, text: Any) -> None:
        _log.log(level, "%s", _text(values.to_host(text).item()))

    return run


_LEVELS = {
    "log(info)": logging.INFO,
    "log(warning)": logging.WARNING,
    "log(error)": logging.ERROR,
}


@lower_raw("ControlTrigger")
def control_trigger(_: NodeView) -> Compute:
    return lambda _run: None


def _shown(data: Iterable[Any], most: int) -> str:
    return " ".join(_summary(value, most) for value in data)


def _summary(value: Any, most: int) -> str:
    if values.is_traced(value):
        return f"<{values.dtype_name(value)} {values.shape_of(value)}>"
    flat = values.to_host(value).ravel().tolist()
    shown = flat if most < 0 or len(flat) <= most else flat[:most]
    text = " ".join(_text(item) for item in shown)
    text += "..." if len(shown) < len(flat) else ""
    return text if values.shape_of(value) == () else f"[{text}]"


def _text(item: Any) -> str:
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
