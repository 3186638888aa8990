"""Damages models at random, and checks that reading them does no harm.

    python tests/savedmodel/fuzz/format_fuzz.py --count 20000 --seed 1

Every case is a `saved_model.pb`, a `saved_model.pbtxt`, a structured value or a tensor constant: a
sample of this folder, or a small file of the corpus where that is present. It is damaged as bytes
(bits, numbers, parts cut, repeated, moved), as words of a text, or as a message: fields of any
part set to other values, dropped, repeated or moved. Then everything in it is looked at. Allowed
are success and errors of anyhub, in less than 2 seconds, with less memory than a factor of the
file's size. Constants may shorten a run of equal values at their end; the memory for those that
repeat more than one value is allowed on top, up to the limit of `anyhub.savedmodel.tensors`.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import samples
from bundle_fuzz import damage
from damages import damage_message, damage_text
from google.protobuf.message import DecodeError, EncodeError
from walking import expansion, use_model, use_structure, use_tensor

from anyhub.errors import SavedModelError
from anyhub.savedmodel import schema
from anyhub.savedmodel.reading import parse

LARGEST_PB, LARGEST_TEXT = 20_000, 6_000
SECONDS = 2.0
# The most are graphs of 2 bytes in the file: each is a dozen objects of Python.
MEMORY_FACTOR = 1000
MEMORY_BASE = 500_000
# Of 100 cases: texts are slow.
SHARES = {"pb": 40, "text": 10, "structure": 25, "tensor": 25}


@dataclass(frozen=True)
class Case:
    """Something to read.

    Attributes:
        size: Bytes of the damaged files.
        use: Reads it.
        expansion: Bytes of constants that may take more than their place in the file.
    """

    size: int
    use: Callable[[], Iterator[str]]
    expansion: Callable[[], int]


@cache
def models() -> tuple[bytes, ...]:
    own = [samples.object_model(), samples.graph_model()]
    found = [proto.SerializeToString() for proto in own]
    return (*found, *found, *found, *samples.corpus_files("pb", LARGEST_PB))


@cache
def texts() -> tuple[bytes, ...]:
    found = str(samples.object_model()).encode(), str(samples.graph_model()).encode()
    return (*found, *samples.corpus_files("pbtxt", LARGEST_TEXT))


@cache
def small_messages(kind: str) -> tuple[Any, ...]:
    return tuple(samples.structures() if kind == "structure" else samples.tensors())


def damaged(generator: random.Random, data: bytes, message: Any) -> bytes:
    """Damage the bytes of a message, or the message."""
    if generator.random() < 0.3:
        return damage(generator, data)
    proto = message.FromString(data)
    damage_message(generator, proto)
    try:
        return bytes(proto.SerializePartialToString())
    except EncodeError:  # nested too deeply now
        return data


def make_model(generator: random.Random) -> Case:
    data = damaged(generator, generator.choice(models()), schema.SavedModel)
    checkpoint = samples.checkpoint_objects().SerializeToString()
    if generator.random() < 0.3:
        checkpoint = damaged(generator, checkpoint, schema.TrackableObjectGraph)
    size = len(data) + len(checkpoint)
    name = "saved_model.pb"
    return Case(
        size, lambda: use_model(data, name, checkpoint), lambda: expand(data, parse_as(name))
    )


def make_text(generator: random.Random) -> Case:
    data = damage_text(generator, generator.choice(texts()))
    name = "saved_model.pbtxt"
    return Case(len(data), lambda: use_model(data, name, b""), lambda: expand(data, parse_as(name)))


def parse_as(name: str) -> Callable[[bytes], Any]:
    return lambda data: parse(data, Path(name))


def expand(data: bytes, parser: Callable[[bytes], Any]) -> int:
    try:
        return expansion(parser(data))
    except (DecodeError, SavedModelError):
        return 0


def make_small(generator: random.Random, kind: str) -> Case:
    source = generator.choice(small_messages(kind))
    data = damaged(generator, source.SerializeToString(), type(source))
    use = use_structure if kind == "structure" else use_tensor

    def parse_and_use() -> Iterator[str]:
        try:
            proto = type(source).FromString(data)
        except DecodeError:
            yield f"{kind} not decoded"
            return
        yield from use(proto)

    return Case(len(data), parse_and_use, lambda: expand(data, type(source).FromString))


def make(generator: random.Random) -> Case:
    kind = generator.choices(list(SHARES), list(SHARES.values()))[0]
    if kind == "pb":
        return make_model(generator)
    return make_text(generator) if kind == "text" else make_small(generator, kind)


def measure(case: Case) -> tuple[Counter[str], float, int]:
    """Use a case; return what happened, the time, and the most memory."""
    tracemalloc.start()
    start = time.perf_counter()
    try:
        results = Counter(case.use())
        seconds = time.perf_counter() - start
        return results, seconds, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def check(case: Case) -> tuple[Counter[str], float, int]:
    """As `measure`, within the limits."""
    allowed = MEMORY_FACTOR * case.size + MEMORY_BASE
    expanded = 0
    results, seconds, memory = measure(case)
    if seconds > SECONDS or memory > allowed:
        # A busy machine, or a table of the interpreter that just grew, does not do so again.
        results, seconds, memory = measure(case)
        expanded = case.expansion() if memory > allowed else 0
    if seconds > SECONDS:
        raise AssertionError(f"took {seconds:.1f} s")
    if memory > allowed + expanded:
        raise AssertionError(f"took {memory:,} bytes of memory for {case.size:,} bytes")
    if expanded:
        results["constants larger than the limit"] += 1
        memory = 0
    return results, seconds, memory


def fuzz(count: int, seed: int, only: int | None = None) -> tuple[Counter[str], float, int]:
    """Run cases.

    Returns:
        What happened how often, the longest time, the most memory.
    """
    total: Counter[str] = Counter()
    longest, most = 0.0, 0
    for number in range(count) if only is None else [only]:
        try:
            results, seconds, memory = check(make(random.Random(f"{seed}:{number}")))
        except Exception as error:
            error.add_note(f"reproduce with --seed {seed} --only {number}")
            raise
        total += results
        longest, most = max(longest, seconds), max(most, memory)
    return total, longest, most


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="the number of the only case to run")
    arguments = parser.parse_args()
    total, longest, most = fuzz(arguments.count, arguments.seed, arguments.only)
    for name, count in sorted(total.items()):
        print(f"{count:9,} {name}")
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"longest {longest:.2f} s, most memory {most:,} bytes, of the process {resident:,} kB")
    sys.exit(0)


if __name__ == "__main__":
    main()
