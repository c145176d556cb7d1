"""Programs of the project that are no modules, for tests that call their parts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType


def load(program: Path) -> ModuleType:
    """The Python file `program` as a module, named after it."""
    spec = importlib.util.spec_from_file_location(program.stem, program)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
