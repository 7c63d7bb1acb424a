"""River's ADWIN as bytes in a table, which may be anybody's: nothing else is let through."""

from __future__ import annotations

import pickle
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pgpredict.errors import PgpredictError

if TYPE_CHECKING:
    from river.drift import ADWIN

# All that the pickle of an ADWIN names; what it holds besides are numbers and bytes.
NAMES = {("river.drift.adwin", "ADWIN"), ("river._river_rust.drift", "AdaptiveWindowing")}
# It has about 2,000 bytes after any number of errors.
MOST_BYTES = 100_000


class _Reader(pickle.Unpickler):
    """Reads what `NAMES` names. A pickle that runs code names the code that it runs."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NAMES:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return super().find_class(module, name)


def new(delta: float) -> ADWIN:
    """A detector that has seen nothing.

    Args:
        delta: how often, about, it finds a change where there is none.

    Raises:
        PgpredictError: river is not installed.

    Reference:
        Bifet and Gavaldà, Learning from time-changing data with adaptive windowing, 2007.
    """
    try:
        from river.drift import ADWIN
    except ImportError as error:
        raise PgpredictError(
            "drift is found by river, which is not installed",
            do="pip install 'pgpredict[drift]' where pgpredict worker runs",
        ) from error
    return ADWIN(delta=delta)


def write(detector: ADWIN) -> bytes:
    """A detector as bytes, for `read`."""
    return pickle.dumps(detector, protocol=4)


def read(content: bytes) -> ADWIN:
    """A detector that `write` wrote. No code runs, whoever wrote the bytes.

    Raises:
        PgpredictError: these bytes are none, or another river's; or river is not installed.
    """
    kind = type(new(0.5))
    try:
        if len(content) > MOST_BYTES:
            raise pickle.UnpicklingError(f"it has {len(content):,} bytes")
        detector = _Reader(BytesIO(content)).load()
        if type(detector) is not kind:
            raise pickle.UnpicklingError(f"it is {type(detector).__name__}")
        detector.width  # noqa: B018 - half a detector has none
    except Exception as error:  # bytes from anywhere may raise anything
        raise PgpredictError(
            "this is no detector of drift that can be read",
            why=str(error),
            do="begin anew: SELECT pgpredict.set_learner_drift(learner, action)",
        ) from error
    return detector
