#!/usr/bin/env python3
"""Virtual users that mostly sleep: memory of each, CPU, and how late their timers are."""

import json
import os
import subprocess
import tempfile

from lib import SNAPBENCH, need, script, table


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
    late = run["summary"]["metrics"]["late_ms"]
    return used.ru_maxrss, used.ru_utime + used.ru_stime, late


def main():
    base, _, _ = measure(1)
    rows = []
    for vus in (1_000, 10_000, 50_000):
        rss_kib, cpu_s, late = measure(vus)
        p99 = late.get("p99", late.get("p99_ms", "?"))
        rows.append([f"{vus:,}", f"{(rss_kib - base) / vus:.1f}", "<= 20", f"{cpu_s:.1f}", p99, "<= 5"])
    table("Virtual users that mostly sleep", ["users", "KiB a user", "goal", "CPU s in all", "timer late p99 ms", "goal"],
          rows)


main()
