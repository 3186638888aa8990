"""How many inputs nodes have to have."""

from __future__ import annotations

import pytest

from anyhub.errors import SavedModelError
from anyhub.graph.input_counts import check_inputs
from anyhub.graph.ir import Node, Ref, attr_value

A = Ref("a")


@pytest.mark.parametrize(
    "node",
    [
        Node("n", "Sin", (A,)),
        Node("n", "Pack", (A, A, A), attrs={"N": attr_value(i=3)}),
        Node("n", "SomeFunction", (A, A)),
        Node("n", "IdentityN", (A, A), attrs={"_gradient_op_type": attr_value(s=b"x")}),
    ],
)
def test_nodes_as_they_shall_be(node):
    check_inputs(node)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Node("n", "Sin"), r"'n' \(op 'Sin'\) has 0 inputs, expected 1 \(x\)"),
        (Node("n", "Mul", (A, A, A)), r"'n' \(op 'Mul'\) has 3 inputs, expected 2 \(x, y\)"),
        (Node("n", "Pack", (A,), attrs={"N": attr_value(i=3)}), "has 1 inputs, expected 3"),
    ],
)
def test_a_damaged_node_is_named(node, expected):
    with pytest.raises(SavedModelError, match=expected):
        check_inputs(node)
