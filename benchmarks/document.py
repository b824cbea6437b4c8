"""Put the figures of build/bench/results into the tables of docs/performance.md."""

from __future__ import annotations

import json
import re
from typing import Any

from measure import ROOT

RESULTS = ROOT / "build" / "bench" / "results"
DOCUMENT = ROOT / "docs" / "performance.md"
PLACE = re.compile(
    r"(<!-- (?P<what>figures|reach|load) (?P<name>\w+) -->\n).*?(?P<end><!-- end -->)", re.S
)


def number(value: float) -> str:
    """Three digits that say something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(head: list[str], lines: list[list[str]], left: tuple[int, ...]) -> str:
    """Return a Markdown table; the columns in `left` are text, the others numbers."""
    rule = "|" + "".join("---|" if place in left else "---:|" for place in range(len(head)))
    rows = ("| " + " | ".join(line) + " |" for line in lines)
    return "\n".join(("| " + " | ".join(head) + " |", rule, *rows))


def figures(report: dict[str, Any]) -> str:
    """Return a table a subject; what contenders survive is the last column where it is noted."""
    parts = []
    for subject in dict.fromkeys(row["subject"] for row in report["rows"]):
        rows = [row for row in report["rows"] if row["subject"] == subject]
        names = list(dict.fromkeys(name for row in rows for name in row["details"]))
        noted = ["note"] if any(row["note"] for row in rows) else []
        head = [f"{subject}, {rows[0]['unit']}", "median", "range", *names, *(noted and [" "])]
        lines = [
            [
                row["contender"],
                f"**{number(row['median'])}**",
                f"{number(row['low'])} – {number(row['high'])}",
                *(number(row["details"][name]) if name in row["details"] else "" for name in names),
                *(row[name] for name in noted),
            ]
            for row in rows
        ]
        parts.append(table(head, lines, (0, len(head) - 1) if noted else (0,)))
    return "\n\n".join(parts)


def reach(report: dict[str, Any]) -> str:
    """Return the lines to reach, and whether they were."""
    lines = [
        [line["line"], line["wanted"], number(line["measured"]), "met" if line["met"] else "missed"]
        for line in report["reach"]
    ]
    return table(["line", "wanted", "measured", " "], lines, (0, 1, 3))


def load(report: dict[str, Any]) -> str:
    """How busy the machine was."""
    machine = report["machine"]
    before, after = machine["load before"][0], machine["load after"][0]
    return f"Load average of the {machine['cores']} cores: {before:.1f} before, {after:.1f} after."


WRITERS = {"figures": figures, "reach": reach, "load": load}


def main() -> None:
    """Fill every place that has figures."""

    def fill(place: re.Match[str]) -> str:
        file = RESULTS / f"{place['name']}.json"
        if not file.exists():
            return place[0]
        return f"{place[1]}\n{WRITERS[place['what']](json.loads(file.read_text()))}\n\n<!-- end -->"

    DOCUMENT.write_text(PLACE.sub(fill, DOCUMENT.read_text()))


if __name__ == "__main__":
    main()
