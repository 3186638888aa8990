"""Reads what the safety gate asks of MLIR bytecode: names of operations, targets of custom calls.

Source: MLIR's "Bytecode Format" page (https://mlir.llvm.org/docs/BytecodeFormat/) and the attribute
codes of StableHLO's `VhloBytecode.cpp` (`kStringV1Attr` is 14) and of MLIR's builtin dialect
(`DictionaryAttr` is 1, `StringAttr` is 2). Checked with artifacts of StableHLO 1.12.1 and 1.15.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAGIC = b"ML\xefR"

_STRINGS, _DIALECTS, _ATTRIBUTES, _OFFSETS, _PROPERTIES = 0, 1, 2, 3, 8
_VHLO_STRING = 14
_BUILTIN_DICTIONARY, _BUILTIN_STRING = 1, 2
# The properties of custom_call, sorted by name: api_version, backend_config, call_target_name, …
_CUSTOM_CALL_PROPERTIES = 8
_TARGET_POSITION = 2
_TARGET_NAME = "call_target_name"


class BytecodeError(ValueError):
    """The bytes are no MLIR bytecode of a known form."""


@dataclass(frozen=True)
class Operations:
    """What a module may do.

    Attributes:
        names: Its operations with their dialects, e.g. "vhlo.add_v1".
        targets: What its custom calls may call; None for a target that cannot be read.
        texts: All strings of the module.
    """

    names: frozenset[str]
    targets: frozenset[str | None]
    texts: tuple[str, ...]


def read_operations(data: bytes) -> Operations:
    """Read the operations of a module.

    Raises:
        BytecodeError: The bytes are cut, or of a form that is not known.
    """
    try:
        return _Module(data).operations()
    except (IndexError, KeyError) as error:
        raise BytecodeError(f"damaged MLIR bytecode: {error}") from error


class _Cursor:
    """Reads numbers of MLIR's variable-length form: trailing zero bits count the extra bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    @property
    def at_end(self) -> bool:
        return self.position >= len(self.data)

    def take(self, count: int) -> bytes:
        taken = self.data[self.position : self.position + count]
        if len(taken) != count:
            raise IndexError(f"{count} bytes are missing at {self.position}")
        self.position += count
        return taken

    def number(self) -> int:
        first = self.take(1)[0]
        if first == 0:
            return int.from_bytes(self.take(8), "little")
        extra = (first & -first).bit_length() - 1
        return int.from_bytes(bytes([first]) + self.take(extra), "little") >> (extra + 1)

    def flagged(self) -> tuple[int, bool]:
        number = self.number()
        return number >> 1, bool(number & 1)


@dataclass(frozen=True)
class _Attribute:
    dialect: str
    is_encoded: bool
    data: bytes


class _Module:
    def __init__(self, data: bytes) -> None:
        cursor = _Cursor(data)
        if cursor.take(4) != MAGIC:
            raise BytecodeError("it is no MLIR bytecode")
        self._version = cursor.number()
        while cursor.take(1) != b"\0":
            continue  # the name of the producer
        self._sections = dict(_sections(cursor))
        self._texts = self._read_texts()
        self._dialects: list[str] = []

    def operations(self) -> Operations:
        names = frozenset(self._read_operation_names())
        attributes = self._read_attributes()
        targets = {*self._targets_in_properties(attributes), *self._targets_in_maps(attributes)}
        return Operations(names, frozenset(targets), tuple(self._texts))

    def _read_texts(self) -> list[str]:
        cursor = _Cursor(self._sections[_STRINGS])
        sizes = [cursor.number() for _ in range(_limited(cursor.number(), cursor))]
        position, texts = len(cursor.data), []
        for size in sizes:  # written last first, each with a zero byte at its end
            texts.append(cursor.data[position - size : position - 1].decode("utf-8", "replace"))
            position -= size
        if position != cursor.position:
            raise BytecodeError("its strings do not fill their section")
        return texts[::-1]

    def _read_operation_names(self) -> Iterator[str]:
        cursor = _Cursor(self._sections[_DIALECTS])
        for _ in range(_limited(cursor.number(), cursor)):
            if self._version < 1:
                self._dialects.append(self._texts[cursor.number()])
                continue
            name, has_version = cursor.flagged()
            self._dialects.append(self._texts[name])
            if has_version:
                _section(cursor)
        if self._version >= 4:
            cursor.number()  # how many names follow
        while not cursor.at_end:
            dialect = self._dialects[cursor.number()]
            for _ in range(_limited(cursor.number(), cursor)):
                name = cursor.flagged()[0] if self._version >= 5 else cursor.number()
                yield f"{dialect}.{self._texts[name]}"

    def _read_attributes(self) -> list[_Attribute]:
        cursor = _Cursor(self._sections[_OFFSETS])
        values = _Cursor(self._sections[_ATTRIBUTES])
        count, _types = cursor.number(), cursor.number()
        found: list[_Attribute] = []
        while len(found) < count:
            dialect = self._dialects[cursor.number()]
            for _ in range(_limited(cursor.number(), cursor)):
                size, is_encoded = cursor.flagged()
                found.append(_Attribute(dialect, is_encoded, values.take(size)))
        return found

    def _targets_in_properties(self, attributes: list[_Attribute]) -> Iterator[str | None]:
        cursor = _Cursor(self._sections.get(_PROPERTIES, b"\x01"))
        for _ in range(_limited(cursor.number(), cursor)):
            indices = list(_numbers(cursor.take(cursor.number())))
            if len(indices) < _CUSTOM_CALL_PROPERTIES:
                continue
            index = indices[_TARGET_POSITION]
            if index < len(attributes) and _may_be_text(attributes[index]):
                yield self._text_of(attributes[index])

    def _targets_in_maps(self, attributes: list[_Attribute]) -> Iterator[str | None]:
        for attribute in attributes:
            if not attribute.is_encoded:
                if _TARGET_NAME.encode() in attribute.data:
                    yield None
                continue
            numbers = list(_numbers(attribute.data))
            if attribute.dialect != "builtin" or numbers[:1] != [_BUILTIN_DICTIONARY]:
                continue
            for key, value in zip(numbers[2::2], numbers[3::2], strict=False):
                if self._text_of(attributes[key]) == _TARGET_NAME:
                    yield self._text_of(attributes[value])

    def _text_of(self, attribute: _Attribute) -> str | None:
        numbers = list(_numbers(attribute.data)) if attribute.is_encoded else []
        codes = {"vhlo": _VHLO_STRING, "builtin": _BUILTIN_STRING}
        if len(numbers) != 2 or numbers[0] != codes.get(attribute.dialect):
            return None
        return self._texts[numbers[1]] if numbers[1] < len(self._texts) else None


def _may_be_text(attribute: _Attribute) -> bool:
    """False for what is surely something else, like the tensors in the properties of others."""
    if not attribute.is_encoded:
        return True
    code = next(_numbers(attribute.data), None)
    return attribute.dialect != "vhlo" or code == _VHLO_STRING


def _numbers(data: bytes) -> Iterator[int]:
    cursor = _Cursor(data)
    while not cursor.at_end:
        try:
            yield cursor.number()
        except IndexError:
            return


def _sections(cursor: _Cursor) -> Iterator[tuple[int, bytes]]:
    while not cursor.at_end:
        yield _section(cursor)


def _section(cursor: _Cursor) -> tuple[int, bytes]:
    head = cursor.take(1)[0]
    size = cursor.number()
    if head & 0x80:
        alignment = cursor.number()
        if alignment:
            cursor.take(-cursor.position % alignment)
    return head & 0x7F, cursor.take(size)


def _limited(count: int, cursor: _Cursor) -> int:
    if count > len(cursor.data):
        raise IndexError(f"{count} items in {len(cursor.data)} bytes")
    return count
