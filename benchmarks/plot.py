"""Bars for the documentation: a panel per subject, a bar per contender, its range as a whisker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

OURS = "#2563eb"
OTHERS = "#94a3b8"


def draw(report: dict[str, Any], path: Path) -> None:
    """Draw the medians of a report; what is ours is blue. Wide scales are logarithmic."""
    subjects = list(dict.fromkeys(row["subject"] for row in report["rows"]))
    heights = [
        sum(row["subject"] == subject for row in report["rows"]) + 1.4 for subject in subjects
    ]
    pyplot.rcParams.update({"font.size": 9, "svg.hashsalt": "bars", "svg.fonttype": "none"})
    figure, axes = pyplot.subplots(
        len(subjects),
        figsize=(8, 0.28 * sum(heights) + 0.4),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for subject, panel in zip(subjects, axes[:, 0], strict=True):
        _panel(panel, subject, [row for row in report["rows"] if row["subject"] == subject])
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def _panel(panel: Any, subject: str, rows: list[dict[str, Any]]) -> None:
    names = [row["contender"] for row in rows]
    medians = [row["median"] for row in rows]
    ranges = [
        [row["median"] - row["low"] for row in rows],
        [row["high"] - row["median"] for row in rows],
    ]
    colours = [OURS if name.startswith("ours") else OTHERS for name in names]
    panel.barh(names, medians, xerr=ranges, color=colours, height=0.7, ecolor="#334155")
    positive = [value for value in medians if value > 0]
    if positive and max(positive) > 20 * min(positive):
        panel.set_xscale("log")
    for place, row in enumerate(rows):
        value = row["median"]
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        # Right of the whisker, which would run through it.
        end = (row["high"], place)
        panel.annotate(shown, end, (6, 0), textcoords="offset points", va="center", fontsize=8)
    panel.invert_yaxis()
    panel.margins(x=0.16)
    panel.set_title(f"{subject}, {rows[0]['unit']}", loc="left", fontsize=9, fontweight="bold")
    panel.spines[["top", "right"]].set_visible(False)
