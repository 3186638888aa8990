"""Evaluators against TensorFlow's kernels."""

from __future__ import annotations

import inspect
import itertools
import zlib

import ml_dtypes
import numpy as np
import pytest

from anyhub.graph.const_ops import EVALUATORS, evaluate
from anyhub.graph.ir import Node, attr_value
from anyhub.graph.op_defs import find_op
from anyhub.savedmodel.dtypes import dtype_by_name

tf = pytest.importorskip("tensorflow", reason="TensorFlow's kernels are what is compared with")

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
COMPLEX = ["complex64", "complex128"]
NUMBERS = INTEGERS + FLOATS + COMPLEX
NO_KERNEL = object()
WITHOUT_KERNEL = (
    "Could not find device",
    "is not in the list of allowed values",
    "No OpKernel",
    "No WhereOp available",
)
# What Python calls an attribute, where that is not its name.
PYTHON_NAMES = {"squeeze_dims": "axis"}
SHAPES = [((), ()), ((3,), ()), ((0,), (1,)), ((2, 1), (1, 3)), ((2, 0, 3), (3,)), ((4,), (4,))]


stops_old_tensorflow = pytest.mark.skipif(
    tf.__version__ < "2.16", reason="TensorFlow 2.15 ends the process where newer ones refuse"
)


def dtype_of(name):
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


@np.errstate(all="ignore")
def random_values(rng, shape, name):
    """Values of a type with what is special in it: limits, zeros of both signs, NaN, infinities."""
    dtype = dtype_of(name)
    if name == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if name in INTEGERS:
        limits = np.iinfo(dtype)
        special = [0, 1, 2, 3, 7, limits.max, limits.min, limits.max - 1]
        special += [-1, -2, -3, -7] if limits.min else []
        small = rng.integers(-9 if limits.min else 0, 10, shape)
        picked = np.array(special, object)[rng.integers(0, len(special), shape)]
        return np.where(rng.random(shape) < 0.6, small, picked).astype(dtype)
    special = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, 1.5, 2.5, -0.5, -2.5])
    picked = special[rng.integers(0, len(special), shape)]
    real = np.where(rng.random(shape) < 0.5, rng.normal(0, 5, shape), picked)
    if name in COMPLEX:
        return (rng.normal(0, 5, shape) + 1j * rng.normal(0, 5, shape)).astype(dtype)
    return np.asarray(real).astype(dtype)


def attributes(values):
    made = {}
    for key, value in values.items():
        match value:
            case bool():
                made[key] = attr_value(b=value)
            case int():
                made[key] = attr_value(i=value)
            case np.dtype():
                made[key] = attr_value(type=dtype_by_name(value.name).number)
            case list():
                made[key] = attr_value(list={"i": value})
            case _:
                raise TypeError(value)
    return made


def tensorflow_result(op, inputs, attrs):
    """What TensorFlow computes, None if it refuses."""
    definition = find_op(op)
    function = getattr(tf.raw_ops, op)
    # The Python names of the inputs are others than those of the op, their order is the same.
    names = [*inspect.signature(function).parameters][: len(definition.inputs)]
    listed = [bool(a.number_attr or a.type_list_attr) for a in definition.inputs]
    values = [tf.constant(x) for x in inputs]
    arguments, spare = {}, len(values) - len(names)
    for name, is_list in zip(names, listed, strict=True):
        take = 1 + spare if is_list and listed.count(True) == 1 else 1
        if listed.count(True) == 2:
            take = len(values) if name == names[-1] else len(inputs) // 2
        arguments[name] = values[:take] if is_list else values[0]
        values = values[take:]
    plain = {
        PYTHON_NAMES.get(k, k): tf.as_dtype(v) if isinstance(v, np.dtype) else v
        for k, v in attrs.items()
    }
    try:
        result = function(**arguments, **plain)
    except tf.errors.OpError as error:
        return NO_KERNEL if any(text in str(error) for text in WITHOUT_KERNEL) else None
    except (ValueError, TypeError):
        return None
    flat = result if isinstance(result, (list, tuple)) else [result]
    return [x.numpy() for x in flat]


def same(ours, theirs):
    theirs = np.asarray(theirs, object) if isinstance(theirs, bytes) else np.asarray(theirs)
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        return False
    if ours.dtype == object:
        return bool(np.all(ours == theirs))
    if ours.dtype.kind in "cf" or ours.dtype.name == "bfloat16":
        wide = [x.astype(np.complex128) for x in (ours, theirs)]
        return np.array_equal(*wide, equal_nan=True) and bool(
            np.all((np.signbit(wide[0].real) == np.signbit(wide[1].real)) | np.isnan(wide[0].real))
        )
    return np.array_equal(ours, theirs)


def compare(op, inputs, attrs=None, *, may_refuse=False):
    """Compare a node; returns whether it was computed."""
    attrs = attrs or {}
    expected = tensorflow_result(op, inputs, attrs)
    ours = evaluate(Node("n", op, attrs=attributes(attrs)), inputs)
    shown = f"{op} {attrs} {inputs} TensorFlow: {expected} ours: {ours}"
    if expected is NO_KERNEL:
        return True
    if expected is None:
        assert ours is None, f"TensorFlow refuses {shown}"
        return False
    if ours is None:
        assert may_refuse, f"not computed: {shown}"
        return False
    assert len(ours) == len(expected), shown
    assert all(same(a, b) for a, b in zip(ours, expected, strict=True)), shown
    return True


def seeded(*parts):
    return np.random.default_rng(zlib.crc32(repr(parts).encode()))


UNARY = {
    "Abs": INTEGERS[:4] + FLOATS,
    "Ceil": FLOATS,
    "Floor": FLOATS,
    "IsFinite": FLOATS,
    "IsInf": FLOATS,
    "IsNan": FLOATS,
    "LogicalNot": ["bool"],
    "Neg": INTEGERS[:4] + FLOATS + COMPLEX,
    "Rint": FLOATS,
    "Round": INTEGERS[:4] + FLOATS,
    "Sign": INTEGERS[:4] + FLOATS,
    "Sqrt": FLOATS,
    "Square": INTEGERS[:4] + FLOATS,
    "Invert": INTEGERS,
    "OnesLike": [*NUMBERS, "bool"],
    "ZerosLike": [*NUMBERS, "bool"],
    "Identity": [*NUMBERS, "bool"],
    "StopGradient": NUMBERS,
    "Snapshot": NUMBERS,
    "PreventGradient": NUMBERS,
    "Where": [*NUMBERS, "bool"],
}

BINARY = {
    **dict.fromkeys(["Add", "AddV2", "Mul", "Sub"], INTEGERS + FLOATS),
    **dict.fromkeys(["Less", "LessEqual", "Greater", "GreaterEqual"], INTEGERS + FLOATS),
    **dict.fromkeys(["Maximum", "Minimum"], INTEGERS + FLOATS),
    **dict.fromkeys(["Equal", "NotEqual"], (*NUMBERS, "bool")),
    **dict.fromkeys(["LogicalAnd", "LogicalOr"], ("bool",)),
    **dict.fromkeys(["Div", "FloorDiv"], INTEGERS + FLOATS),
    **dict.fromkeys(["FloorMod", "Mod", "TruncateMod"], INTEGERS + FLOATS),
    "TruncateDiv": INTEGERS,
    **dict.fromkeys(["DivNoNan", "MulNoNan", "Xdivy", "RealDiv"], FLOATS),
    "SquaredDifference": ["int32", "int64", *FLOATS],
    "Pow": INTEGERS,
    **dict.fromkeys(["BitwiseAnd", "BitwiseOr", "BitwiseXor", "LeftShift", "RightShift"], INTEGERS),
}
DIVISIONS = {"Div", "FloorDiv", "FloorMod", "Mod", "TruncateMod", "TruncateDiv"}


@pytest.mark.parametrize(("op", "dtype"), [(op, d) for op, ds in UNARY.items() for d in ds])
def test_unary(op, dtype):
    rng = seeded(op, dtype)
    for shape in [(), (1,), (0,), (17,), (2, 0), (3, 1, 5)]:
        compare(
            op, [random_values(rng, shape, dtype)], may_refuse=(op, dtype[:3]) == ("Round", "int")
        )


@pytest.mark.parametrize(("op", "dtype"), [(op, d) for op, ds in BINARY.items() for d in ds])
def test_binary(op, dtype):
    rng = seeded(op, dtype)
    for first, second in SHAPES * 3:
        x, y = random_values(rng, first, dtype), random_values(rng, second, dtype)
        if op in DIVISIONS and dtype in INTEGERS and np.iinfo(dtype_of(dtype)).min:
            # The least integer by -1 kills TensorFlow's process.
            x = np.maximum(x, np.iinfo(x.dtype).min + 1).astype(x.dtype)
        if op == "Pow":
            y = np.abs(np.clip(y, 0, 9)).astype(y.dtype)
        compare(op, [x, y])
        if op in DIVISIONS and dtype in INTEGERS:
            compare(op, [x, np.where(y == 0, 3, y).astype(y.dtype)])


def test_the_quotient_that_overflows_is_refused():
    least, minus_one = np.int32(-(2**31)), np.int32(-1)
    for op in DIVISIONS:
        assert evaluate(Node("n", op), [np.asarray(least), np.asarray(minus_one)]) is None


def test_strings_are_compared_and_joined():
    x, y = np.array([b"a", b""], object), np.array([b"a", b"\xff"], object)
    assert compare("Equal", [x, y])
    assert compare("NotEqual", [x, y])
    assert compare("Add", [x, y])


def test_equality_of_shapes_that_do_not_fit():
    x, y = np.zeros(3, np.int32), np.zeros(2, np.int32)
    for op, accepts in itertools.product(["Equal", "NotEqual"], [True, False]):
        compare(op, [x, y], {"incompatible_shape_error": accepts})


@pytest.mark.parametrize("target", [*NUMBERS, "bool"])
@pytest.mark.parametrize("source", [*NUMBERS, "bool"])
def test_cast(source, target):
    rng = seeded(source, target)
    attrs = {"DstT": dtype_of(target)}
    for shape in [(), (0,), (40,)]:
        x = random_values(rng, shape, source)
        compare("Cast", [x], attrs, may_refuse=True)
        if source in FLOATS and target in INTEGERS:
            x = np.abs(np.nan_to_num(x.astype(float), posinf=1, neginf=1)).clip(0, 99)
            assert compare("Cast", [x.astype(dtype_of(source))], attrs)


@np.errstate(all="ignore")
def test_cast_of_halves_and_limits():
    values = np.array([0.1, 1 / 3, 65504.0, 65520.0, 1e-8, 3.3895314e38])
    for source, target in itertools.permutations(FLOATS, 2):
        assert compare("Cast", [values.astype(dtype_of(source))], {"DstT": dtype_of(target)})
    edge = np.array(
        [2.0**63, -(2.0**63), -(2.0**63) * 1.1, 2.0**31, -(2.0**31) - 0.5, 2.0**31 - 0.5]
    )
    for value in edge:
        for target in ("int32", "int64"):
            compare("Cast", [np.array(value)], {"DstT": dtype_of(target)}, may_refuse=True)
    assert compare("Cast", [edge[4:]], {"DstT": np.dtype("int32")})
    assert (
        evaluate(Node("n", "Cast", attrs=attributes({"DstT": np.dtype("int64")})), [edge[:1]])
        is None
    )


@pytest.mark.parametrize("op", ["Sum", "Prod", "Max", "Min"])
@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_reductions(op, dtype):
    rng = seeded(op, dtype)
    for shape, axes in [((), []), ((3,), [0]), ((2, 3), [1]), ((2, 3), [-2]), ((2, 0, 3), [1]),
                        ((0,), [0]), ((2, 3, 2), [0, 2]), ((2, 1), []), ((2, 3), [0, 0]),
                        ((2,), [1]), ((4, 1, 2), [1, -1])]:  # fmt: skip
        for keep in (False, True):
            x = random_values(rng, shape, dtype)
            compare(op, [x, np.array(axes, np.int32)], {"keep_dims": keep},
                    may_refuse=dtype in FLOATS)  # fmt: skip
            compare(op, [x[:1] if x.ndim else x, np.array(0 if x.ndim else [], np.int64)],
                    may_refuse=dtype in FLOATS)  # fmt: skip


@pytest.mark.parametrize("op", ["All", "Any"])
def test_logical_reductions(op):
    rng = seeded(op)
    for shape, axes in [((), []), ((3,), [0]), ((2, 3), [1, 0]), ((2, 0), [1]), ((0, 2), [0])]:
        assert compare(op, [random_values(rng, shape, "bool"), np.array(axes, np.int32)])


@pytest.mark.parametrize("out_type", ["int32", "int64"])
def test_shapes(out_type):
    attrs = {"out_type": np.dtype(out_type)}
    for shape in [(), (0,), (2, 3), (1, 0, 5)]:
        x = np.zeros(shape, np.float32)
        assert compare("Shape", [x], attrs)
        assert compare("Size", [x], attrs)
        assert compare("Rank", [x])
        assert compare("ShapeN", [x, np.zeros((4,), np.float32)], attrs)


def test_fill_and_tile_and_broadcasts():
    ints = lambda *values: np.array(values, np.int32)  # noqa: E731
    for dims in [(), (0,), (2, 3), (-1,)]:
        compare("Fill", [ints(*dims), np.array(7, np.int16)])
        compare("Fill", [ints(*dims), np.array(b"x", object)])
    compare("Fill", [ints(2), np.array([7])])
    x = np.arange(6).reshape(2, 3)
    for times in [(1, 2), (0, 1), (2, 0), (1,), (-1, 1)]:
        compare("Tile", [x, ints(*times)])
    for shape in [(2, 3), (4, 2, 3), (0, 2, 3), (3,), (2, 2), (-1, 3)]:
        compare("BroadcastTo", [x, ints(*shape)])
    for a, b in [((2, 1), (3,)), ((), (2,)), ((2,), (3,)), ((0, 1), (1, 4)), ((1,), (0,))]:
        compare("BroadcastArgs", [ints(*a), ints(*b)])


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64", "uint8", "float16"])
def test_range(dtype):
    for start, limit, delta in [(0, 5, 1), (5, 0, -2), (1, 1, 3), (3, 10, 4), (0, 5, -1), (0, 5, 0),
                                (0.1, 1.0, 0.1), (2, 3, 0.25), (-1.5, 7.25, 0.5)]:  # fmt: skip
        if dtype == "uint8" and min(start, limit, delta) < 0:
            continue
        values = [np.array(v).astype(dtype) for v in (start, limit, delta)]
        compare("Range", values, may_refuse=dtype in ("uint8", "float16") or delta == 0.1)


@stops_old_tensorflow
def test_reshaping():
    x = np.arange(12).reshape(2, 2, 3)
    for shape in [(12,), (-1,), (3, -1), (-1, -1), (5, -1), (2, 6), (-2, 6), (0, -1), (12, 1, 1)]:
        compare("Reshape", [x, np.array(shape, np.int32)])
        compare("Reshape", [x[:0], np.array(shape, np.int64)])
    compare("Reshape", [x[:1, :1, :1], np.array([], np.int32)])
    for axis in (-4, -1, 0, 3, 4, -5):
        compare("ExpandDims", [x, np.array(axis, np.int32)])
    for shape, dims in [((1, 2, 1), []), ((1, 2, 1), [0]), ((1, 2, 1), [-1]), ((1, 2, 1), [1]),
                        ((2,), []), ((1,), [0]), ((1, 1), [0, 1]), ((1,), [3])]:  # fmt: skip
        compare("Squeeze", [np.zeros(shape, np.int8)], {"squeeze_dims": dims})
    for order in [(2, 0, 1), (0, 1, 2), (0, 0, 1), (-1, 0, 1), (0, 1)]:
        compare("Transpose", [x, np.array(order, np.int32)])
    for axes in [(0,), (-1, 0), (), (0, 0), (3,)]:
        compare("ReverseV2", [x, np.array(axes, np.int32)])
    for pads in [[[0, 0], [1, 2], [0, 1]], [[0, 0]], [[-1, 0], [0, 0], [0, 0]]]:
        compare("Pad", [x, np.array(pads, np.int32)])
        compare("PadV2", [x, np.array(pads, np.int32), np.array(9)])


def test_joining():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for axis in (-3, -1, 0, 1, 2, 3):
        compare("Pack", [x, x + 1], {"axis": axis})
        compare("ConcatV2", [x, x[:, :1], x[:, :0], np.array(axis, np.int32)])
        compare("ConcatV2", [x, x[:1], np.array(axis, np.int64)])
        compare("Unpack", [x], {"axis": axis, "num": 2})
        compare("Unpack", [x], {"axis": axis, "num": 3})
        compare("Split", [np.array(axis, np.int32), x], {"num_split": 3})
        compare(
            "SplitV", [x, np.array([1, -1], np.int32), np.array(axis, np.int32)], {"num_split": 2}
        )
        compare(
            "SplitV", [x, np.array([1, 1], np.int64), np.array(axis, np.int32)], {"num_split": 2}
        )
    compare("Concat", [np.array(1, np.int32), x, x[:, :1]])
    compare("Pack", [np.array(1), np.array(2)], {"axis": 0})
    compare("Unpack", [np.array([b"a", b"b"], object)], {"axis": 0, "num": 2})
    compare(
        "ConcatOffset", [np.array(1, np.int32), *[np.array([2, n, 3], np.int32) for n in (1, 0, 4)]]
    )
    compare(
        "ConcatOffset",
        [np.array(0, np.int32), np.array([2, 3], np.int32), np.array([2, 4], np.int32)],
    )
    compare("DynamicStitch", [np.array([0, 2], np.int32), np.array([1], np.int32),
                              np.array([5, 6]), np.array([7])])  # fmt: skip
    compare("DynamicStitch", [np.array([0, 1], np.int32), np.array(1, np.int32),
                              x, x[0] + 9])  # fmt: skip
    compare("InvertPermutation", [np.array([2, 0, 1], np.int32)])
    compare("InvertPermutation", [np.array([2, 0, 0], np.int32)])
    compare("ListDiff", [np.array([1, 5, 5, 2]), np.array([2, 9])], {"out_idx": np.dtype("int32")})


def test_selecting():
    x, y = np.arange(6).reshape(2, 3), -np.arange(6).reshape(2, 3)
    for condition in [np.array(True), np.array([True, False]), x > 2, np.array([True])]:
        compare("Select", [condition, x, y])
        compare("SelectV2", [condition, x, y])
    compare("SelectV2", [np.array([[True], [False]]), x[0], np.array(9)])
    compare("Select", [np.array(True), x, y[:1]])


@pytest.mark.parametrize("seed", range(200))
def test_strided_slice(seed):
    """Indices and masks at random, also ones that contradict each other."""
    rng = np.random.default_rng(seed)
    x = np.arange(120).reshape(2, 3, 4, 5)[:1, :, :2, : rng.integers(0, 6)]
    for _ in range(15):
        count = int(rng.integers(0, 6))
        begin, end = (rng.integers(-6, 7, count).astype(np.int32) for _ in range(2))
        strides = rng.choice([1, 1, 1, 2, -1, -2, 3, 0 if rng.random() < 0.05 else 1], count)
        sparse = [int(rng.integers(0, 64)) & int(rng.integers(0, 64)) for _ in range(5)]
        names = ["begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"]
        ellipsis = sparse[2] if rng.random() < 0.2 else sparse[2] & -sparse[2]
        masks = dict(zip(names, sparse, strict=True)) | {"ellipsis_mask": ellipsis}
        compare("StridedSlice", [x, begin, end, strides.astype(np.int32)], masks)


@pytest.mark.parametrize("seed", range(40))
def test_slice(seed):
    rng = np.random.default_rng(seed)
    x = np.arange(24).reshape(2, 3, 4)
    begin, size = rng.integers(-1, 3, 3), rng.integers(-1, 4, 3)
    compare("Slice", [x, begin, size])


@stops_old_tensorflow
@pytest.mark.parametrize("seed", range(60))
def test_gather(seed):
    rng = np.random.default_rng(seed)
    batch = int(rng.integers(0, 3))
    lead = tuple(rng.integers(0 if seed % 5 == 0 else 1, 4, batch))
    params = rng.integers(0, 99, (*lead, *rng.integers(1, 4, rng.integers(1, 3))))
    indices = rng.integers(
        -1 if seed % 4 == 0 else 0, 2, (*lead, *rng.integers(0, 3, rng.integers(0, 3)))
    )
    axis = int(rng.integers(-params.ndim - 1, params.ndim + 1))
    shown = batch - indices.ndim if seed % 3 == 0 and indices.ndim else batch
    compare("GatherV2", [params, indices, np.array(axis)], {"batch_dims": int(shown)})
    if params.ndim:
        compare("Gather", [params, indices])
    table = np.arange(24).reshape(2, 3, 4)
    depth = int(rng.integers(0, 4))
    where = rng.integers(0, 3 if seed % 4 == 0 else 2, (2, depth))
    compare("GatherNd", [table, where], may_refuse=True)


def test_bitcast():
    for source, target in [("int32", "float32"), ("float16", "bfloat16"), ("int64", "float64"),
                           ("uint8", "int8")]:  # fmt: skip
        x = random_values(seeded(source), (7,), source)
        assert compare("Bitcast", [x], {"type": dtype_of(target)})


def test_ensure_shape():
    shape = attr_value(shape={"dim": [{"size": -1}, {"size": 3}]})
    node = Node("n", "EnsureShape", attrs={"shape": shape})
    assert evaluate(node, [np.zeros((2, 3))]) is not None
    assert evaluate(node, [np.zeros((3, 2))]) is None
    assert evaluate(node, [np.zeros((3,))]) is None


def test_add_n():
    x = random_values(seeded("AddN"), (5,), "int8")
    assert compare("AddN", [x, x, x])
    compare("AddN", [x, x[:1]])


def test_every_evaluator_is_of_an_op_that_exists():
    assert all(find_op(op) for op in EVALUATORS)


def test_the_comparison_can_fail():
    with pytest.raises(AssertionError):
        compare("Pow", [np.array(2.0), np.array(3.0)])
    assert not same(np.array([0.0]), np.array([-0.0]))
    assert not same(np.array([1]), np.array([1], np.int32))
