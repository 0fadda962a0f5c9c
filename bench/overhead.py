#!/usr/bin/env python3
"""Script overhead: CPU of one iteration, fully recorded, beside k6 where k6 is installed."""

import shutil
import subprocess
import tempfile

from lib import ROUNDS, SECONDS, children_cpu_s, iterations, script, snapbench, spread, table

K6 = {
    "empty": "export default function () {}",
    "body": "const f = (k) => ({ ok: k >= 0 }); export default function () {"
    " const k = Math.floor(Math.random() * 100000); if (f(k).ok) { return 1; } return 2; }",
}


def ours(name):
    run, cpu_s = snapbench([script(f"{name}.rhai"), "--duration", f"{SECONDS}s", "--warm-up", "1s"])
    return cpu_s * 1e6 / iterations(run)


def k6(name):
    with tempfile.NamedTemporaryFile("w", suffix=".js") as file:
        file.write(K6[name])
        file.flush()
        before = children_cpu_s()
        done = subprocess.run(
            ["k6", "run", "--vus", "2", "--duration", f"{SECONDS}s", file.name],
            capture_output=True, text=True, check=True,
        )
        count = next(l for l in done.stdout.splitlines() if "iterations" in l and "/s" in l)
        return (children_cpu_s() - before) * 1e6 / int(count.split(":")[1].split()[0])


def main():
    rows = []
    rival = shutil.which("k6") is not None
    for name, goal in [("empty", 0.5), ("body", 1.5)]:
        mine, theirs = [], []
        for _ in range(ROUNDS):
            mine.append(ours(name))
            if rival:
                theirs.append(k6(name))
        rows.append([name, spread(mine), f"<= {goal}", spread(theirs) if theirs else "k6 is not installed"])
    table("CPU of an iteration, µs (median [min … max])", ["iteration", "snapbench", "goal", "k6"], rows)


main()
