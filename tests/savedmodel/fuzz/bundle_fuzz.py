"""Damages bundles at random, and checks that reading them does no harm.

    python tests/savedmodel/fuzz/bundle_fuzz.py --count 20000 --seed 1

Every case is a bundle (a golden one, or a small one of the corpus where that is present), damaged
in one of these ways: bits flipped, bytes replaced, cut, repeated or moved between files of an index
or shard; the same in a block of the index, with its checksums made right again; fields of entries
set to other numbers, with everything around them right. Then all tensors are read in all ways,
verified and copied. Allowed are success and SavedModelError, in less than 2 seconds, with less
memory than a factor of the files' size.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from anyhub.errors import SavedModelError
from anyhub.savedmodel.bundle import TensorReference, TensorSlice, open_bundle, write_bundle
from anyhub.savedmodel.bundle.checksums import masked_crc
from anyhub.savedmodel.bundle.files import octets
from anyhub.savedmodel.bundle.table_reader import MAGIC, TRAILER, _decode_handle, read_table
from anyhub.savedmodel.bundle.table_writer import encode_table
from anyhub.savedmodel.bundle.varints import encode_varint
from anyhub.savedmodel.schema import BundleEntryProto, BundleHeaderProto

GOLDEN = Path(__file__).parents[1] / "bundle" / "golden"
CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
LARGEST = 30_000
SECONDS = 2.0
# Strings of 2 bytes take 16 times their place in the file; compressed indexes may take more, but
# not those that are likely to arise here.
MEMORY_FACTOR = 30
MEMORY_BASE = 200_000
NUMBERS = (
    0, 1, 2, 3, 4, 7, 8, 15, 16, 127, 128, 255, 256, 1000, 65535, 2**20, 2**30, 2**31 - 1,
    2**32 - 1, 2**40, 2**62, 2**63 - 1,
)  # fmt: skip

Files = dict[str, bytes]


def sources() -> list[Files]:
    """The bundles to damage: their files by the ending of their name, the index first."""
    prefixes = [path.with_suffix("") for path in sorted(GOLDEN.glob("*.index"))]
    if CORPUS.is_dir():
        prefixes += [path.with_suffix("") for path in sorted(CORPUS.rglob("variables.index"))]
    found = []
    for prefix in prefixes:
        paths = sorted(prefix.parent.glob(f"{prefix.name}.*"), reverse=True)
        if sum(path.stat().st_size for path in paths) <= LARGEST:
            found.append({path.name.removeprefix(prefix.name): path.read_bytes() for path in paths})
    return found


def flip_bits(generator: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 8))):
        damaged[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    return bytes(damaged)


def replace_number(generator: random.Random, data: bytes) -> bytes:
    """Put an integer of variable length somewhere."""
    position = generator.randrange(len(data))
    number = encode_varint(generator.choice(NUMBERS))
    if generator.random() < 0.1:
        number = b"\x80" * generator.randrange(12) + number
    return data[:position] + number + data[position + generator.choice((1, len(number))) :]


def replace_bytes(generator: random.Random, data: bytes) -> bytes:
    start, end = span(generator, data)
    return data[:start] + generator.randbytes(generator.randrange(20)) + data[end:]


def move_bytes(generator: random.Random, data: bytes) -> bytes:
    start, end = span(generator, data)
    position = generator.randrange(len(data))
    kept = generator.choice((position, min(len(data), position + end - start)))
    return data[:position] + data[start:end] * generator.choice((1, 1, 20)) + data[kept:]


def cut(generator: random.Random, data: bytes) -> bytes:
    return data[: generator.randrange(len(data))]


def append(generator: random.Random, data: bytes) -> bytes:
    return data + generator.choice((bytes(9), generator.randbytes(50), data))


def span(generator: random.Random, data: bytes) -> tuple[int, int]:
    start = generator.randrange(len(data))
    return start, min(len(data), start + generator.randrange(40))


DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    flip_bits, replace_number, replace_bytes, move_bytes, cut, append,
)  # fmt: skip


def damage(generator: random.Random, data: bytes) -> bytes:
    for _ in range(generator.choice((1, 1, 1, 3))):
        if data:
            data = generator.choice(DAMAGES)(generator, data)
    return data


def damage_a_file(generator: random.Random, files: Files) -> None:
    name = generator.choice(list(files))
    if generator.random() < 0.05:
        files[name] = files[generator.choice(list(files))]
    files[name] = damage(generator, files[name])


def damage_a_block(generator: random.Random, files: Files) -> None:
    """Damage the first block of data, or the block that lists them, and correct the checksums."""
    data = files[".index"]
    footer = data[-48:]
    meta, position = _decode_handle(footer, 0)
    index, _ = _decode_handle(footer, position)
    contents = data[: meta.offset - TRAILER.size]
    compression = data[meta.offset - TRAILER.size]
    table = data[index.offset : index.end]
    if generator.random() < 0.8:
        contents = damage(generator, contents)
        size = len(encode_varint(len(contents)))
        # The only entry there: 3 lengths, a short key, a place. Lengths of one byte are likely.
        key = table[3 : 3 + table[1]]
        place = encode_varint(0) + encode_varint(len(contents))
        table = bytes([0, len(key), 1 + size]) + key + place + table[-8:]
    else:
        table = damage(generator, table)
        compression = generator.choice((compression, compression, 1, 2))
    blocks = [(contents, compression), (data[meta.offset : meta.end], 0), (table, 0)]
    result = b""
    places = []
    for block, kind in blocks:
        places.append(encode_varint(len(result)) + encode_varint(len(block)))
        result += block + TRAILER.pack(kind, masked_crc(octets(block + bytes([kind]))))
    files[".index"] = result + (places[1] + places[2]).ljust(40, b"\0") + MAGIC


def damage_an_entry(generator: random.Random, files: Files) -> None:
    """Change fields of entries; the table is right."""
    items = dict(read_table(files[".index"], Path("index")))
    for _ in range(generator.choice((1, 1, 2, 5))):
        key = generator.choice(list(items))
        if key and generator.random() < 0.1:
            items[damage(generator, key) or b"k"] = items[key]
            continue
        message = BundleEntryProto if key else BundleHeaderProto
        proto = message.FromString(items[key])
        change_field(generator, proto)
        items[key] = proto.SerializeToString()
    files[".index"] = b"".join(encode_table(sorted(items.items())))


def change_field(generator: random.Random, proto: object) -> None:
    """Set a number anywhere in a message, or repeat or drop a part of it."""
    field = generator.choice(list(proto.DESCRIPTOR.fields))  # type: ignore[attr-defined]
    value = getattr(proto, field.name)
    if field.message_type is not None:
        if hasattr(value, "add"):
            if len(value) and generator.random() < 0.3:
                del value[generator.randrange(len(value))]
                return
            copies = generator.choice((1, 1, 1, 40))
            for _ in range(copies):
                part = value.add()
                if len(value) > 1:
                    part.CopyFrom(value[0])
            value = value[generator.randrange(len(value))]
        if value.DESCRIPTOR.fields:
            change_field(generator, value)
    elif field.name == "bad_consumers":
        value.append(generator.randrange(3))
    elif isinstance(value, str):
        setattr(proto, field.name, "x" * generator.randrange(200))
    elif isinstance(value, bool):
        setattr(proto, field.name, not value)
    else:
        number = generator.choice((*NUMBERS, value + 1, value - 1, -1, 2 * value, value // 2))
        try:
            setattr(proto, field.name, number)
        except ValueError:
            setattr(proto, field.name, generator.randrange(200))


CASES = (damage_a_file, damage_a_block, damage_an_entry, damage_an_entry)


def use(prefix: Path) -> Iterator[str]:
    """Read a bundle in all ways; yield "refused" or "accepted" for each."""
    try:
        bundle = open_bundle(prefix)
    except SavedModelError:
        yield "index refused"
        return
    yield "index accepted"
    part = TensorSlice.parse("0,1")
    for key in bundle:
        for name, act in (
            ("read", bundle.read),
            ("raw", bundle.read_raw),
            ("verify", bundle.verify),
            ("slice", lambda key: bundle.read_slice(key, part)),
            ("view", lambda key: bundle.read(key, aligned=False)),
        ):
            try:
                act(key)
                yield f"{name} accepted"
            except SavedModelError:
                yield f"{name} refused"
    try:
        write_bundle(prefix.with_name("copy"), ((k, TensorReference(bundle, k)) for k in bundle))
        yield "copy accepted"
    except SavedModelError:
        yield "copy refused"


def measure(prefix: Path) -> tuple[Counter[str], float, int]:
    """Use a bundle; return what happened, the time, and the most memory."""
    tracemalloc.start()
    start = time.perf_counter()
    try:
        results = Counter(use(prefix))
        seconds = time.perf_counter() - start
        return results, seconds, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def check(prefix: Path, size: int) -> tuple[Counter[str], float, int]:
    """As `measure`, within the limits."""
    results, seconds, memory = measure(prefix)
    if seconds > SECONDS or memory > MEMORY_FACTOR * size + MEMORY_BASE:
        # A busy machine, or a table of the interpreter that just grew, does not do so again.
        results, seconds, memory = measure(prefix)
    if seconds > SECONDS:
        raise AssertionError(f"took {seconds:.1f} s")
    if memory > MEMORY_FACTOR * size + MEMORY_BASE:
        raise AssertionError(f"took {memory:,} bytes of memory for files of {size:,} bytes")
    return results, seconds, memory


def fuzz(count: int, seed: int, only: int | None = None) -> tuple[Counter[str], float, int]:
    """Run cases.

    Returns:
        What happened how often, the longest time, the most memory.
    """
    bundles = sources()
    total: Counter[str] = Counter()
    longest, most = 0.0, 0
    for number in range(count) if only is None else [only]:
        generator = random.Random(f"{seed}:{number}")
        files = dict(generator.choice(bundles))
        with tempfile.TemporaryDirectory() as directory:
            prefix = Path(directory) / "x"
            generator.choice(CASES)(generator, files)
            for name, data in files.items():
                Path(f"{prefix}{name}").write_bytes(data)
            try:
                results, seconds, memory = check(prefix, sum(map(len, files.values())))
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
    print(f"longest {longest:.2f} s, most memory {most:,} bytes")
    sys.exit(0)


if __name__ == "__main__":
    main()
