"""All parity cases: the lists `CASES` of this package's modules."""

from __future__ import annotations

import importlib
import pkgutil

from tests.transpiler.parity.case import Case

CASES: list[Case] = [
    case
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__))
    for case in importlib.import_module(f"{__name__}.{module}").CASES
]
