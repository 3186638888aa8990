"""Ways to damage messages and texts; those of bytes are in `bundle_fuzz`."""

from __future__ import annotations

import random
import re
from typing import Any

from bundle_fuzz import NUMBERS, damage

STRINGS = ("", "self", "x", "serve", "\0", "é" * 30, "a/b.c:0", "__saved_model_init_op", "args")
FLOATS = (0.0, -0.0, 1e300, float("inf"), float("-inf"), float("nan"))
WORDS = (
    "{", "}", "<", ">", "[", "]", ":", '"', "'", "#", ",", ";", "-", "inf", "nan", "true", "1e999",
    "0x7fffffffffffffff", "9" * 25, "nodes", "unknown_field: 3", "unknown { a: 1 }", "[a.b.c] {}",
    '"\\', "\\xff", "\n",
)  # fmt: skip
# Among the messages of a graph most are nodes; each level is taken with this chance.
DESCEND = 0.85


def is_map(field: Any) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def children(proto: Any) -> list[list[Any]]:
    """The messages right below a message, by field."""
    found = []
    for field, value in proto.ListFields():
        if field.message_type is None:
            continue
        if is_map(field):
            items = [value[key] for key in sorted(value)]
            found.append([item for item in items if hasattr(item, "DESCRIPTOR")])
        else:
            found.append(list(value) if hasattr(value, "add") else [value])
    return [group for group in found if group]


def pick(generator: random.Random, proto: Any) -> Any:
    """A message somewhere below."""
    groups = children(proto)
    while groups and generator.random() < DESCEND:
        proto = generator.choice(generator.choice(groups))
        groups = children(proto)
    return proto


def damage_message(generator: random.Random, proto: Any) -> None:
    """Change fields anywhere."""
    for _ in range(generator.choice((1, 1, 2, 6))):
        target = pick(generator, proto)
        if generator.random() < 0.2:
            _graft(generator, target, pick(generator, proto))
        else:
            _change_field(generator, target)


def _graft(generator: random.Random, target: Any, source: Any) -> None:
    """Put a message where another of its type is, or below a field that can hold it."""
    copy = type(source)()
    copy.CopyFrom(source)
    if target.DESCRIPTOR is source.DESCRIPTOR:
        target.CopyFrom(copy)
        return
    fields = [f for f in target.DESCRIPTOR.fields if f.message_type is source.DESCRIPTOR]
    if fields:
        value = getattr(target, generator.choice(fields).name)
        (value.add() if hasattr(value, "add") else value).CopyFrom(copy)


def _change_field(generator: random.Random, target: Any) -> None:
    fields = list(target.DESCRIPTOR.fields)
    present = [field for field, _ in target.ListFields()]
    if not fields:
        return
    field = generator.choice(present if present and generator.random() < 0.7 else fields)
    value = getattr(target, field.name)
    if is_map(field):
        _change_map(generator, value)
    elif hasattr(value, "add"):
        _change_messages(generator, value)
    elif hasattr(value, "append"):
        _change_scalars(generator, value)
    elif field.message_type is not None:
        generator.choice((value.SetInParent, value.Clear, lambda: target.ClearField(field.name)))()
    elif generator.random() < 0.1:
        target.ClearField(field.name)
    else:
        _set(lambda v: setattr(target, field.name, v), generator, value)


def _change_map(generator: random.Random, value: Any) -> None:
    keys = sorted(value)
    if keys and generator.random() < 0.4:
        del value[generator.choice(keys)]
        return
    try:
        item = value[generator.choice([*keys, *STRINGS])]
    except (KeyError, TypeError):  # values that are no messages; keys that are no strings
        return
    if hasattr(item, "CopyFrom"):
        item.CopyFrom(value[generator.choice(sorted(value))])


def _change_messages(generator: random.Random, value: Any) -> None:
    if len(value) and generator.random() < 0.4:
        del value[generator.randrange(len(value))]
        return
    source = type(value[0])() if len(value) else None
    if source is not None:
        source.CopyFrom(generator.choice(value))
    for _ in range(generator.choice((1, 1, 1, 40))):
        part = value.add()
        if source is not None:
            part.CopyFrom(source)


def _change_scalars(generator: random.Random, value: Any) -> None:
    if len(value) and generator.random() < 0.5:
        position = generator.randrange(len(value))
        if generator.random() < 0.3:
            del value[position]
        else:
            _set(lambda v: value.__setitem__(position, v), generator, value[position])
        return
    for example in (0, 0.0, "", b""):
        try:
            value.append(example)
        except (TypeError, ValueError):
            continue
        value.extend([example] * generator.choice((0, 0, 3, 300)))
        return


def _set(store: Any, generator: random.Random, value: Any) -> None:
    if isinstance(value, bool):
        store(not value)
    elif isinstance(value, int):
        numbers = (*NUMBERS, value + 1, value - 1, -1, -value, -(2**31), -(2**63), 101, 107)
        try:
            store(generator.choice(numbers))
        except (ValueError, OverflowError):
            store(generator.randrange(35))
    elif isinstance(value, float):
        store(generator.choice(FLOATS))
    elif isinstance(value, bytes):
        store(damage(generator, value) if value else generator.randbytes(9))
    else:
        store(generator.choice(STRINGS))


def damage_text(generator: random.Random, text: bytes) -> bytes:
    """Change words of a text, as well as its bytes."""
    if generator.random() < 0.3:
        return damage(generator, text)
    tokens = re.findall(rb"\w+|\s+|.", text)
    for _ in range(generator.choice((1, 1, 2, 6))):
        position = generator.randrange(len(tokens))
        word = generator.choice((*WORDS, str(generator.choice(NUMBERS)))).encode()
        choice = generator.random()
        if choice < 0.1:
            word = generator.choice((b"{", b"<", b"a {", b"list_value < values <")) * 1000
        elif choice < 0.4:
            word = generator.choice(tokens)
        tokens[position : position + generator.choice((0, 1, 1, 9))] = [word]
    return b"".join(tokens)
