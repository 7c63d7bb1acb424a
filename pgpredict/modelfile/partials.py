"""What the `functools.partial` objects of a skops file would call.

scikit-learn itself puts one into HistGradientBoosting with `categorical_features="from_dtype"`:
`partial(check_array, dtype=[float64], ensure_all_finite=False)`. Such a one is harmless. Any other
is not known to be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

NAME = "functools.partial"
HARMLESS = frozenset({"sklearn.utils.validation.check_array"})
# The nodes of a skops file that hold values and call nothing.
PLAIN = frozenset({"JsonNode", "ListNode", "TupleNode", "DictNode", "TypeNode"})


def are_harmless(content: bytes) -> bool:
    """Whether every partial in a skops file is of a harmless function, with plain arguments.

    Nothing of the file is made or run: what is looked at is what skops would make, in which the
    references from one part of the file to another are resolved as they will be when it is read.

    Args:
        content: the bytes of the file.

    Returns:
        True also for a file that holds none.

    Example:
        >>> import functools, os, skops.io
        >>> are_harmless(skops.io.dumps([functools.partial(os.system, "true")]))
        False
    """
    from skops.io._audit import get_tree
    from skops.io._utils import LoadContext

    with ZipFile(BytesIO(content)) as archive:
        schema = json.loads(archive.read("schema.json"))
        context = LoadContext(src=archive, protocol=schema["protocol"])
        root = get_tree(schema, context, trusted=None)
        return all(_is_harmless(node) for node in _nodes(root) if _name(node) == NAME)


def _is_harmless(node: Any) -> bool:
    if type(node).__name__ != "PartialNode":
        return False
    parts = node.children
    function = parts["func"]
    arguments = [parts["args"], parts["kwds"], parts["namespace"]]
    return (
        type(function).__name__ == "FunctionNode"
        and _name(function) in HARMLESS
        and all(type(inner).__name__ in PLAIN for part in arguments for inner in _nodes(part))
    )


def _name(node: Any) -> str:
    return f"{node.module_name}.{node.class_name}"


def _nodes(root: Any) -> Iterator[Any]:
    """The nodes of a tree, each once."""
    from skops.io._audit import Node

    seen: set[int] = set()
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, Node) and id(part) not in seen:
            seen.add(id(part))
            yield part
            waiting.extend(part.children.values())
            waiting.append(getattr(part, "cached", None))
