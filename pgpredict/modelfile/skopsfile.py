"""skops files: data and the names of types, no code."""

from __future__ import annotations

from pgpredict.errors import UntrustedModel
from pgpredict.modelfile import knowntypes, partials, treecheck


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
    unknown = set() if trust else _unknown(asked, content)
    if unknown:
        raise UntrustedModel(
            f"{name} holds types that are not known to be safe",
            details=tuple(sorted(unknown)),
            why="making objects of unknown types can run code",
            do="pass --trust (in Python: trust=True) if you know who wrote the file",
        )
    estimator: object = skops.io.loads(content, trusted=asked)
    treecheck.check(estimator, name)
    return estimator


def _unknown(asked: list[str], content: bytes) -> set[str]:
    unknown = set(asked) - knowntypes.known()
    if partials.NAME in unknown and partials.are_harmless(content):
        unknown.remove(partials.NAME)
    return unknown
