"""skops files: data and the names of types, no code."""

from __future__ import annotations

from pgpredict.errors import UntrustedModel
from pgpredict.modelfile import treecheck

# scikit-learn's own types that skops asks about. The first two because wrong node numbers in
# them crash the process: `treecheck` looks at the numbers. The third only selects columns.
KNOWN = frozenset(
    {
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.compose._column_transformer.make_column_selector",
    }
)


def read(name: str, content: bytes, trust: bool) -> object:
    """Read what ``skops.io.dump`` wrote.

    Args:
        name: of the file, for messages.
        content: its bytes.
        trust: whether types that neither skops nor this project knows may be made.

    Returns:
        The object in the file.

    Raises:
        UntrustedModel: the file names unknown types and `trust` is not set.
        UnreadableModel: a tree in it points outside itself.
    """
    import skops.io

    asked = skops.io.get_untrusted_types(data=content)
    unknown = sorted(set(asked) - KNOWN)
    if unknown and not trust:
        raise UntrustedModel(
            f"{name} holds types that are not known to be safe",
            details=tuple(unknown),
            why="making objects of unknown types can run code",
            do="pass --trust (in Python: trust=True) if you know who wrote the file",
        )
    estimator: object = skops.io.loads(content, trusted=asked)
    treecheck.check(estimator, name)
    return estimator
