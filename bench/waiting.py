#!/usr/bin/env python3
"""10,000 users that mostly wait, at 2,000 arrivals a second, with connections and a payload each: memory, and how late they start."""

from lib import ROUNDS, floor_ms, median, operation, script, snapbench_process, table


def measure():
    run, used = snapbench_process([script("waiting.rhai"), "--warm-up", "6s"])
    scenario = run["summary"]["scenarios"][0]
    sent = sum(operation(run, name)[0] for name in ("keep", "health"))
    return {
        "RSS MiB": used.ru_maxrss / 1024, "lag p50 ms": scenario["lag"]["p50_ms"], "lag p99 ms": scenario["lag"]["p99_ms"],
        "dropped": scenario["dropped"], "operations/s": sent / run["summary"]["window_s"],
        # Little's law.
        "waiting at once": scenario["per_s"] * scenario["duration"]["mean_ms"] / 1000,
    }


def main():
    taken, floors = [], []
    for _ in range(ROUNDS):
        floors.append(floor_ms()[1])
        taken.append(measure())
    row = [f"{median([one[name] for one in taken]):.2f}" for name in taken[0]]
    table("10,000 users that mostly wait, 2,000 arrivals a second (goals: RSS <= 1536 MiB, lag p99 <= 5 ms)",
          [*taken[0], "bare sleep p99 ms"], [[*row, f"{median(floors):.2f}"]])


main()
