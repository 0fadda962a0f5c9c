#!/usr/bin/env python3
"""What a pop costs against what waits (s5): a table must stay flat, one document must not."""

import os

from lib import ROOT, ROUNDS, SECONDS, median, operation, snapbench, table

DEPTHS = {"a": 0, "b": 1_000, "c": 10_000, "d": 100_000}


def p99_ms(backend, variant):
    run, _ = snapbench([os.path.join(ROOT, "scenarios", "s5_queue_depth.rhai"), "-p", f"backend={backend}", "-p", f"variant={variant}",
                        "--duration", f"{SECONDS}s", "--warm-up", "1s", "--durability", "off", "--no-thresholds"])
    assert all(ledger["passed"] for ledger in run["ledgers"]), run["ledgers"]
    _, found = operation(run, "pop")
    # Nothing waits in `a`: its pops are empty.
    taken = [o for o in found if o["outcome"] in ("ok", "empty")]
    dropped = sum(s["dropped"] for s in run["summary"]["scenarios"])
    if not taken:
        return None, None, dropped
    best = max(taken, key=lambda o: o["latency"]["count"])["latency"]
    return best["p50_ms"], best["p99_ms"], dropped


def main():
    rows = []
    for backend in ("table", "document"):
        measured = {variant: [] for variant in DEPTHS}
        for _ in range(ROUNDS):
            for variant in DEPTHS:
                measured[variant].append(p99_ms(backend, variant))
        for variant, figures in measured.items():
            done = [f for f in figures if f[0] is not None]
            shown = [f"{median([f[n] for f in done]):.2f}" if done else "none ended" for n in (0, 1)]
            rows.append([backend, f"{DEPTHS[variant]:,}", *shown, sum(f[2] for f in figures)])
    table("Pops of 10 at 50 a second", ["backend", "items that wait", "p50 ms", "p99 ms", "dropped"], rows)


main()
