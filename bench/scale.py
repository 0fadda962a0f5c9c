#!/usr/bin/env python3
"""Virtual users that mostly sleep: memory of each, CPU, and how late their timers are."""

import json
import os
import subprocess
import tempfile

from lib import ROUNDS, SNAPBENCH, floor_ms, median, need, script, table


def measure(vus):
    need(SNAPBENCH, "build it with `cargo build --release --bin snapbench`")
    with tempfile.TemporaryDirectory(prefix="snapbench-bench-") as out:
        command = [SNAPBENCH, "run", script("sleepers.rhai"), "-p", f"vus={vus}", "--warm-up", "0s", "--json", "--quiet",
                   "--out", out]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    run = json.loads(output)
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
