"""Compiles `src/anyhub/savedmodel/schema/*.proto` to `descriptors.binpb` there.

Run by `make schema`; `--check` only tells whether the file is up to date.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

SCHEMA = Path(__file__).parents[1] / "src" / "anyhub" / "savedmodel" / "schema"
OUTPUT = SCHEMA / "descriptors.binpb"
_PACKAGE = "anyhub/format"


def _compile(folder: Path) -> bytes:
    # The files import each other by their package, which is not where they lie.
    (folder / "anyhub").mkdir()
    (folder / _PACKAGE).symlink_to(SCHEMA)
    names = [f"{_PACKAGE}/{path.name}" for path in sorted(SCHEMA.glob("*.proto"))]
    output = folder / "descriptors.binpb"
    includes = [f"-I{folder}", f"-I{resources.files('grpc_tools') / '_proto'}"]
    arguments = ["protoc", *includes, "--include_imports", f"--descriptor_set_out={output}"]
    if protoc.main([*arguments, *names]) != 0:
        sys.exit("protoc failed")
    return output.read_bytes()


def main() -> None:
    """Compile, or check."""
    with tempfile.TemporaryDirectory() as folder:
        data = _compile(Path(folder))
    if "--check" not in sys.argv:
        OUTPUT.write_bytes(data)
    elif OUTPUT.read_bytes() != data:
        sys.exit(f"{OUTPUT.name} is not what the .proto files say; run: make schema")


if __name__ == "__main__":
    main()
