"""XlaCallModule: programs that compute pass, programs that call out of themselves are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyhub.graph.safety import Family
from anyhub.graph.safety.mlir_bytecode import MAGIC, BytecodeError, read_operations

DATA = Path(__file__).parent / "data"
SINE = (DATA / "sine.mlirbc").read_bytes()
QR = (DATA / "qr.mlirbc").read_bytes()


def scan_module(build, module: bytes):
    build.function("jax_f").node("XlaCallModule", name="call", module=module)
    return build.scan()


def test_operations_and_targets_are_read() -> None:
    assert read_operations(SINE).names == {
        "builtin.module",
        "vhlo.func_v1",
        "vhlo.return_v1",
        "vhlo.sine_v2",
    }
    assert read_operations(SINE).targets == frozenset()
    assert read_operations(QR).targets == {"lapack_sgeqrf_ffi", "lapack_sorgqr_ffi"}


@pytest.mark.parametrize("module", [SINE, QR], ids=["sine", "qr"])
def test_programs_that_compute_pass(build, module: bytes) -> None:
    assert scan_module(build, module) == ()


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (QR.replace(b"lapack_sgeqrf_ffi", b"xla_python_cpu_cb"), "'xla_python_cpu_cb'"),
        (QR.replace(b"lapack_sorgqr_ffi", b"py_callback_12345"), "'py_callback_12345'"),
        (QR.replace(b"lapack_sorgqr_ffi", b"Sharding\0lapack_x"), "calls native code"),
        (QR.replace(b"num_batch_dims", b"my_callback_12"), "'my_callback_12'"),
        (SINE.replace(b"sine_v2", b"send_v1"), "'vhlo.send_v1'"),
        (SINE.replace(b"vhlo\0", b"llvm\0"), "'llvm.sine_v2'"),
        (SINE[:-3], "cannot be read"),
        (b"module { func.func @main() { stablehlo.custom_call @x() } }", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_programs_that_do_more_are_refused(build, module: bytes, reason: str) -> None:
    (finding,) = scan_module(build, module)
    assert (finding.op, finding.function, finding.family) == ("XlaCallModule", "jax_f", Family.CODE)
    assert reason in finding.reason


def test_program_that_is_not_in_the_model_is_refused(build) -> None:
    build.node("XlaCallModule", name="none")
    build.node("XlaCallModule", name="passed")
    build.graph.node[-1].attr["module"].placeholder = "module"
    assert [found.node for found in build.scan()] == ["none", "passed"]


def test_functions_that_a_program_calls_are_scanned(build, func) -> None:
    build.function("callee").node("ReadFile", name="bad")
    build.node("XlaCallModule", module=SINE, function_list=[func("callee")])
    (finding,) = build.scan()
    assert (finding.op, finding.function) == ("ReadFile", "callee")


@pytest.mark.parametrize("module", [SINE, QR], ids=["sine", "qr"])
def test_cut_at_any_byte(module: bytes) -> None:
    for end in range(len(module)):
        try:
            read_operations(module[:end])
        except BytecodeError:
            continue


def test_changed_at_any_byte() -> None:
    for position in range(4, len(QR)):
        for flip in (0x01, 0x80, 0xFF):
            changed = QR[:position] + bytes([QR[position] ^ flip]) + QR[position + 1 :]
            try:
                read_operations(changed)
            except BytecodeError:
                continue


def number(value: int) -> bytes:
    return bytes([value << 1 | 1])


def section(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + number(len(data)) + data


def old_module(attributes: list[tuple[int, bool, bytes]], *texts: bytes) -> bytes:
    """Bytecode of version 1, where the attributes of operations stand in dictionaries."""
    texts = (b"builtin", b"vhlo", b"custom_call_v1", *texts)
    strings = number(len(texts))
    strings += b"".join(number(len(text) + 1) for text in reversed(texts))
    strings += b"".join(text + b"\0" for text in texts)
    dialects = number(2) + number(0) + number(1 << 1) + number(1) + number(1) + number(2)
    offsets = number(len(attributes)) + number(0)
    for dialect, is_encoded, data in attributes:
        offsets += number(dialect) + number(1) + number(len(data) << 1 | is_encoded)
    values = b"".join(data for _, _, data in attributes)
    sections = section(0, strings) + section(1, dialects) + section(2, values) + section(3, offsets)
    return MAGIC + number(1) + b"test\0" + sections


@pytest.mark.parametrize(
    ("attributes", "target"),
    [
        # builtin: a dictionary (1) of one entry, its key (2) is text 3, its value is text 4
        ([(0, True, number(1) + number(1) + number(1) + number(2)),
          (0, True, number(2) + number(3)),
          (1, True, number(14) + number(4))], "evil"),
        ([(0, True, number(1) + number(1) + number(1) + number(2)),
          (0, True, number(2) + number(3)),
          (0, True, number(2) + number(4))], "evil"),
        # a value that is no text
        ([(0, True, number(1) + number(1) + number(1) + number(2)),
          (0, True, number(2) + number(3)),
          (1, True, number(9) + number(4))], None),
        # a dictionary in the form of text
        ([(0, False, b'{call_target_name = "evil"}\0')], None),
    ],
)  # fmt: skip
def test_targets_in_dictionaries(build, attributes, target: str | None) -> None:
    module = old_module(attributes, b"call_target_name", b"evil")
    assert read_operations(module).targets == {target}
    (finding,) = scan_module(build, module)
    assert (repr(target) if target else "cannot be read") in finding.reason


def test_custom_call_without_any_target_is_refused(build) -> None:
    (finding,) = scan_module(build, old_module([]))
    assert "custom calls cannot be read" in finding.reason
