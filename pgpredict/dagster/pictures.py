"""Pictures of how good a version is, and of what has drifted, as Markdown that the UI shows."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np

from pgpredict.dagster.metrics import Answers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, GREY, RED = "#1f4e79", "#9aa5b1", "#b3261e"
# More points than these only make the picture slower.
MOST_POINTS = 2_000
BINS = 10


def of_answers(answers: Answers) -> dict[str, dg.MarkdownMetadataValue]:
    """What one looks at first: ROC and calibration, a confusion matrix, or predicted and true."""
    if answers.binary and len(set(answers.is_second)) == 2:
        return {"roc": _drawn("ROC", _roc, answers), "calibration": _calibration(answers)}
    if answers.classes:
        return {"confusion": _drawn("confusion matrix", _confusion, answers, names=True)}
    return {"predicted and true": _drawn("predicted and true", _scatter, answers, names=True)}


def of_drift(
    psi: Mapping[str, float | None], thresholds: Mapping[str, float | None], drifted: set[str]
) -> dg.MarkdownMetadataValue:
    """A bar per column: its PSI, with a mark where drift begins."""

    def bars(axes: Axes, _: object) -> None:
        names = list(psi)[::-1]
        values = [psi[name] or 0.0 for name in names]
        axes.barh(names, values, color=[RED if name in drifted else INK for name in names])
        limits = [thresholds[name] or 0.0 for name in names]
        axes.scatter(limits, names, marker="|", s=120, color=GREY, label="threshold", zorder=3)
        axes.set_xlabel("population stability index")
        axes.legend(loc="lower right")

    return _drawn("drift", bars, None, height=1.2 + 0.28 * len(psi), names=True)


def _roc(axes: Axes, answers: Answers) -> None:
    from sklearn.metrics import auc, roc_curve

    false, true, _ = roc_curve(answers.is_second, answers.of_second)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":")
    axes.plot(false, true, color=INK, label=f"area {auc(false, true):.4f}")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.legend(loc="lower right")


def _calibration(answers: Answers) -> dg.MarkdownMetadataValue:
    return _drawn("calibration", _calibrated, answers)


def _calibrated(axes: Axes, answers: Answers) -> None:
    edges = np.quantile(answers.of_second, np.linspace(0, 1, BINS + 1))
    place = np.clip(np.searchsorted(edges, answers.of_second, "right") - 1, 0, BINS - 1)
    kept = [place == number for number in range(BINS) if (place == number).any()]
    said = [float(answers.of_second[rows].mean()) for rows in kept]
    true = [float(answers.is_second[rows].mean()) for rows in kept]
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":")
    axes.plot(said, true, color=INK, marker="o")
    axes.set(xlabel="predicted probability", ylabel="share of rows", xlim=(0, 1), ylim=(0, 1))


def _confusion(axes: Axes, answers: Answers) -> None:
    from sklearn.metrics import confusion_matrix

    labels = list(answers.classes)
    counts = confusion_matrix(answers.actual, answers.predicted, labels=labels)
    axes.imshow(counts, cmap="Blues")
    names = [str(label) for label in labels]
    axes.set_xticks(range(len(names)), names, rotation=45)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="true")
    if len(names) <= 12:
        dark = counts.max() / 2
        for (row, column), count in np.ndenumerate(counts):
            color = "white" if count > dark else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color)


def _scatter(axes: Axes, answers: Answers) -> None:
    step = max(1, len(answers.actual) // MOST_POINTS)
    actual, predicted = answers.actual[::step], answers.predicted[::step]
    ends = [float(np.min(actual)), float(np.max(actual))]
    axes.scatter(predicted, actual, s=6, alpha=0.4, color=INK, linewidths=0)
    axes.plot(ends, ends, color=GREY, linestyle=":")
    axes.set(xlabel="predicted", ylabel="true")


def _drawn(
    title: str, draw: Any, given: object, height: float = 3.6, names: bool = False
) -> dg.MarkdownMetadataValue:
    # Not pyplot, which keeps figures in a list of the process and is for one thread.
    from matplotlib.figure import Figure

    # Room for names and numbers of any length is found by drawing twice.
    figure = Figure(figsize=(4.8, height), dpi=80, layout="constrained" if names else None)
    if not names:
        figure.subplots_adjust(left=0.15, right=0.96, bottom=0.14, top=0.9)
    axes = figure.subplots()
    draw(axes, given)
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    text = base64.b64encode(content.getvalue()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{text})")
