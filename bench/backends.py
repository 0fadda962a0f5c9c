#!/usr/bin/env python3
"""Does c_backends decide what it should, and nothing else? Repeats it between `embedded` and `embedded-fs`, whose LIST differs
by an order of magnitude, and between a store and itself, and counts."""

import os

from lib import ROOT, snapbench, table

REPETITIONS = int(os.environ.get("REPETITIONS", "10"))
TURN = os.environ.get("TURN", "500ms")
REST = os.environ.get("REST", "300ms")
SCENARIO = os.path.join(ROOT, "scenarios", "c_backends.rhai")


def verdicts(stores, *flags):
    """For each comparison: how often it was decided, and its ratios."""
    found = {}
    for _ in range(REPETITIONS):
        run, _ = snapbench([SCENARIO, "-p", f"stores={stores}", "-p", f"turn={TURN}", "-p", f"rest={REST}", *flags])
        for comparison in run["comparisons"]:
            pair = comparison["pairs"][0]
            found.setdefault(comparison["name"], []).append((pair["decided"], (pair["ratio"] or {}).get("value", 0)))
    return found


def main():
    for title, *words in (("embedded against embedded-fs (goal: list decided 9 of 10)", "embedded,embedded-fs", "--only", "list"),
                          ("a store against itself (goal: not decided 9 of 10)", "embedded,embedded")):
        rows = []
        for name, pairs in verdicts(*words).items():
            ratios = sorted(ratio for _, ratio in pairs)
            rows.append([name, f"{sum(decided for decided, _ in pairs)} of {len(pairs)}", f"{ratios[0]:.3f} … {ratios[-1]:.3f}"])
        table(title, ["comparison", "decided", "ratios"], rows)


main()
