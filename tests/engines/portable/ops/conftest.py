"""Records TensorFlow's results for environments without it, where asked to."""

from __future__ import annotations

import pytest

from support import op_cases


@pytest.fixture(autouse=True, scope="module")
def recorded(request: pytest.FixtureRequest):
    yield
    if op_cases.RECORD:
        op_cases.write_recorded(request.module.__name__.rpartition(".")[2].removeprefix("test_"))
