"""Tensor lists: every op on them, with places that are known and with places that are not."""

from __future__ import annotations

import numpy as np
import pytest

from anyhub.engines.portable import values
from anyhub.engines.portable.errors import HostValueError
from anyhub.engines.portable.tensor_list import TensorList, merged
from support import programs
from support.programs import BACKEND, Program, check, compile_function, save

tf = programs.tensorflow()
raw = tf.raw_ops

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(4, 3)).astype(np.float32)
MATRIX = tf.TensorSpec([4, 3], tf.float32)
INT = tf.TensorSpec([], tf.int32)
F = tf.float32


def sizes(shape):
    return -1 if shape is None else tf.constant(shape, tf.int32, [len(shape)])


def from_tensor(x, shape=(3,)):
    return raw.TensorListFromTensor(tensor=x, element_shape=sizes(shape))


def stack(handle, shape=(3,), dtype=F, **more):
    return raw.TensorListStack(
        input_handle=handle, element_shape=sizes(shape), element_dtype=dtype, **more
    )


def get(handle, index, shape=(3,)):
    return raw.TensorListGetItem(
        input_handle=handle, index=index, element_shape=sizes(shape), element_dtype=F
    )


def put(handle, index, item, **more):
    return raw.TensorListSetItem(input_handle=handle, index=index, item=item, **more)


def reserve(count, shape=(3,), dtype=F):
    return raw.TensorListReserve(
        element_shape=sizes(shape),
        num_elements=count,
        element_dtype=dtype,
    )


def empty(shape=(3,), limit=-1, dtype=F):
    return raw.EmptyTensorList(
        element_shape=sizes(shape),
        max_num_elements=limit,
        element_dtype=dtype,
    )


def push(handle, item):
    return raw.TensorListPushBack(input_handle=handle, tensor=item)


def concat(handle, shape, leading=()):
    return raw.TensorListConcatV2(
        input_handle=handle,
        element_shape=sizes(shape),
        leading_dims=tf.constant(leading, tf.int64, [len(leading)]),
        element_dtype=F,
    )


def split(x, lengths, shape=(-1, 3)):
    return raw.TensorListSplit(
        tensor=x, element_shape=sizes(shape), lengths=tf.constant(lengths, tf.int64)
    )


def scatter(x, indices, count=None):
    if count is None:
        return raw.TensorListScatter(tensor=x, indices=indices, element_shape=[3])
    return raw.TensorListScatterV2(tensor=x, indices=indices, element_shape=[3], num_elements=count)


def gather(handle, indices, shape=(3,)):
    return raw.TensorListGather(
        input_handle=handle, indices=indices, element_shape=sizes(shape), element_dtype=F
    )


def lengths(*handles):
    return [raw.TensorListLength(input_handle=handle) for handle in handles]


def popped(x):
    handle, item = raw.TensorListPopBack(
        input_handle=from_tensor(x), element_shape=[3], element_dtype=F
    )
    return stack(handle) * 2.0, item, lengths(handle)


def resized(x, size):
    handle = raw.TensorListResize(input_handle=from_tensor(x), size=size)
    return stack(handle) * 2.0, lengths(handle)


def shapes(handle):
    return [
        raw.TensorListElementShape(input_handle=handle, shape_type=dtype)
        for dtype in (tf.int32, tf.int64)
    ]


FUNCTIONS = {
    "stack": lambda x: stack(from_tensor(x), num_elements=4) * 2.0,
    "stack of unknown shape": lambda x: stack(push(push(empty(None), x[0]), x[2]), (-1,)),
    "stack of what is not set": lambda x: stack(put(reserve(3), 1, x[0])),
    "stack where shapes follow from others": lambda x: stack(put(reserve(3, None), 1, x[0]), (-1,)),
    "stack of nothing": lambda x: (stack(empty()), stack(empty((-1,)))),
    "get": lambda x: (get(from_tensor(x), 2), get(put(from_tensor(x), 2, x[0] * 2.0), 2)),
    "get what is not set": lambda x: (get(reserve(2), 1), get(put(reserve(3, None), 0, x[0]), 1)),
    "set": lambda x: stack(put(put(from_tensor(x), 1, x[0] * x[1]), 0, x[2])) * 2.0,
    "set and grow": lambda x: stack(put(reserve(1), 3, x[0], resize_if_index_out_of_bounds=True)),
    "length": lambda x: lengths(from_tensor(x), empty(), reserve(5)),
    "element shape": lambda x: [shapes(reserve(1, s)) for s in [(3,), (-1, 2), None]],
    "resize": lambda x: [*resized(x, 2), *resized(x, 6), *resized(x, 4)],
    "push": lambda x: stack(push(push(from_tensor(x), x[0] * 3.0), x[1])),
    "pop": popped,
    "concatenated lists": lambda x: stack(
        raw.TensorListConcatLists(
            input_a=from_tensor(x), input_b=push(empty(), x[0]), element_dtype=F
        )
    ),
    "concat": lambda x: concat(split(x, [1, 3]), (-1, 3)),
    "concat of equal parts": lambda x: raw.TensorListConcat(
        input_handle=from_tensor(x), element_dtype=F, element_shape=[3]
    ),
    "concat of what is not set": lambda x: concat(
        put(reserve(3, (-1, 3)), 1, x), (-1, 3), leading=(2, 4, 1)
    ),
    "concat of nothing": lambda x: concat(empty((-1, 3)), (-1, 3)),
    "split": lambda x: (get(split(x, [1, 0, 3]), 2, (-1, 3)), get(split(x, [4]), 0, (-1, 3))),
    "gather": lambda x: gather(from_tensor(x), [3, 0, 1]),
    "gather what is not set": lambda x: gather(put(reserve(3), 1, x[0]), [1, 2]),
    "gather nothing": lambda x: gather(from_tensor(x), tf.zeros([0], tf.int32)),
    "scatter": lambda x: stack(scatter(x, [3, 0, 1, 5])),
    "scatter to a number of places": lambda x: stack(scatter(x, [3, 0, 1, 5], 8)),
    "scatter to as many places as it takes": lambda x: stack(scatter(x, [3, 0, 1, 2], -1)),
    "scatter into a list": lambda x: stack(
        raw.TensorListScatterIntoExistingList(
            input_handle=push(empty(), x[0]), tensor=x * 2.0, indices=[3, 1, 2, 0]
        )
    ),
}
# TensorFlow's own derivatives of these fail or are zero.
WITHOUT_GRADIENT = {
    "stack of nothing", "get what is not set", "length", "element shape", "concat of nothing",
    "stack of unknown shape", "stack where shapes follow from others", "concat of what is not set",
    "set and grow", "gather nothing", "concatenated lists",
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_ops(tmp_path, name):
    saved = save(tmp_path, FUNCTIONS[name], MATRIX)
    check(saved, ROWS, gradient=name not in WITHOUT_GRADIENT)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, i: get(from_tensor(x), i),
        lambda x, i: get(put(from_tensor(x), 1, x[0] * 2.0), i),
        lambda x, i: stack(put(from_tensor(x), i, x[1] * 2.0)) * 2.0,
        lambda x, i: stack(put(reserve(4), i, x[1])) * 2.0,
        lambda x, i: gather(from_tensor(x), tf.stack([i, 1])),
    ],
    ids=["get", "get of parts", "set", "set of nothing", "gather"],
)
@pytest.mark.parametrize("place", [0, 3])
def test_places_that_only_a_run_knows(tmp_path, function, place):
    check(save(tmp_path, function, MATRIX, INT), ROWS, np.int32(place))


def test_a_list_of_unknown_shape_learns_it_from_the_first_element(tmp_path):
    def f(x, i):
        return stack(put(reserve(4, None), i, x[1]), (-1,))

    check(save(tmp_path, f, MATRIX, INT), ROWS, np.int32(2), gradient=False)


def test_lists_of_strings(tmp_path):
    def f(words, i):
        handle = raw.TensorListFromTensor(tensor=words, element_shape=[2])
        handle = put(handle, i, tf.constant(["x", "y"]))
        padded = put(reserve(3, (2,), tf.string), 1, words[0])
        return stack(handle, (2,), tf.string), stack(padded, (2,), tf.string)

    words = np.asarray([[b"a", b"b"], [b"c", b""], [b"d", b"e"]], object)
    saved = save(tmp_path, f, tf.TensorSpec([3, 2], tf.string), INT)
    program = check(saved, words, np.int32(2), gradient=False, compiled=False)
    if BACKEND != "torch":
        compiled = compile_function(lambda i: program([words, i])[0])
        with pytest.raises((HostValueError, TypeError)):
            compiled(values.to_device(np.asarray(2, np.int32)))


def test_lists_of_integers_stay_on_the_host(tmp_path):
    def f(x):
        handle = raw.TensorListFromTensor(tensor=tf.shape(x), element_shape=sizes(()))
        size = raw.TensorListGetItem(
            input_handle=put(handle, 0, 6), index=0, element_shape=sizes(()), element_dtype=tf.int32
        )
        return tf.reshape(x, [size, 12 // size])

    check(save(tmp_path, f, MATRIX), ROWS)


def test_lists_of_lists(tmp_path):
    def f(x):
        inner = from_tensor(x)
        outer = push(empty((), dtype=tf.variant), inner)
        outer = push(outer, put(inner, 0, x[1]))
        found = raw.TensorListGetItem(
            input_handle=outer, index=1, element_shape=sizes(()), element_dtype=tf.variant
        )
        return stack(found), lengths(outer)

    check(save(tmp_path, f, MATRIX), ROWS, gradient=False)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: get(from_tensor(x), 4), "element 4 of a tensor list with 4"),
        (lambda x: stack(put(reserve(2), 2, x[0])), "element 2 of a tensor list with 2"),
        (lambda x: stack(push(push(empty(limit=1), x[0]), x[1])), "may have 1 elements"),
        (lambda x: stack(reserve(2, (-1,)), (-1,)), "shape is known as"),
        (lambda x: stack(split(x, [1, 2]), (-1, 3)), "4 rows is split"),
        (lambda x: raw.TensorListPopBack(
            input_handle=empty(), element_shape=[3], element_dtype=F)[1], "empty tensor list"),
    ],
)  # fmt: skip
def test_what_tensorflow_refuses_is_refused(tmp_path, function, message):
    saved = save(tmp_path, function, MATRIX)
    with pytest.raises(tf.errors.InvalidArgumentError):
        saved.function(tf.constant(ROWS))
    with pytest.raises(ValueError, match=message):
        Program(tmp_path)([values.to_device(ROWS)])


def test_values_do_not_change():
    first = TensorList("int32", (), (None, None))
    second = first.with_element(0, np.asarray(1, np.int32))
    assert first.items == (None, None)
    assert second.stacked().tolist() == [1, 0]
    assert len(second.resized(5)) == 5
    assert second.resized(2) is second
    with pytest.raises(ValueError, match=r"shape \(\) and of shape \(1,\)"):
        second.with_element(1, np.zeros(1, np.int32))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (None, None, None), (None, (1,), (1,)), ((None, 2), (1, None), (1, 2)), ((), (), ()),
    ],
)  # fmt: skip
def test_shapes_tell_together(first, second, expected):
    assert merged(first, second) == merged(second, first) == expected


@pytest.mark.parametrize(("first", "second"), [((1,), (2,)), ((1,), (1, 1)), ((), (None,))])
def test_shapes_contradict_each_other(first, second):
    with pytest.raises(ValueError, match="elements of shape"):
        merged(first, second)


@pytest.mark.skipif(BACKEND == "torch", reason="nothing is compiled")
def test_an_array_that_grows_in_compiled_code_says_what_to_do(tmp_path):
    def f(x, i):
        array = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=(3,))
        return array.write(i, x[0]).stack()

    program = Program(save(tmp_path, f, MATRIX, INT).path)
    compiled = compile_function(lambda i: program([values.to_device(ROWS), i])[0])
    with pytest.raises(HostValueError, match="TensorArray with dynamic_size=True .* fixed size"):
        compiled(values.to_device(np.asarray(2, np.int32)))
