#!/usr/bin/env python3
"""Virtual users that mostly sleep: memory of each, CPU, and how late their timers are."""

from lib import ROUNDS, floor_ms, median, script, snapbench_process, table


def measure(vus):
    run, used = snapbench_process([script("sleepers.rhai"), "-p", f"vus={vus}", "--warm-up", "0s"])
    return used.ru_maxrss, used.ru_utime + used.ru_stime, run["summary"]["metrics"]["late_ms"]["p99"]


def main():
    base, _, _ = measure(1)
    sizes = (1_000, 10_000, 50_000)
    taken = {vus: [] for vus in sizes}
    for _ in range(ROUNDS):
        for vus in sizes:
            taken[vus].append((*measure(vus), floor_ms()[1]))
    rows = []
    for vus in sizes:
        rss_kib, cpu_s, late_ms, floor = (median(column) for column in zip(*taken[vus]))
        rows.append([f"{vus:,}", f"{(rss_kib - base) / vus:.1f}", "<= 20", f"{cpu_s:.1f}", f"{late_ms:.2f}", "<= 5",
                     f"{floor:.2f}"])
    table("Virtual users that mostly sleep",
          ["users", "KiB a user", "goal", "CPU s in all", "timer late p99 ms", "goal", "bare sleep p99 ms"], rows)


main()
