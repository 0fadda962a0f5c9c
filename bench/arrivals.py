#!/usr/bin/env python3
"""How late iterations begin against their plan, at 5,000 and 20,000 arrivals a second."""

from lib import ROUNDS, SECONDS, floor_ms, iterations, median, script, snapbench, table


def main():
    rows = []
    for rate in (5_000, 20_000):
        p50, p99, cpu, floor, dropped = [], [], [], [], 0
        for _ in range(ROUNDS):
            floor.append(floor_ms())
            run, cpu_s = snapbench([script("arrivals.rhai"), "-p", f"rate={rate}", "--duration", f"{SECONDS}s",
                                    "--warm-up", "1s"])
            scenario = run["summary"]["scenarios"][0]
            p50.append(scenario["lag"]["p50_ms"])
            p99.append(scenario["lag"]["p99_ms"])
            cpu.append(cpu_s / run["summary"]["window_s"])
            dropped += scenario["dropped"]
            assert iterations(run) > 0
        goal = "<= 0.3" if rate == 20_000 else ""
        bare50, bare99 = (median(column) for column in zip(*floor))
        rows.append([f"{rate:,}/s", f"{median(p50):.3f}", f"{median(p99):.3f}", goal, dropped, f"{median(cpu):.2f}",
                     f"{bare50:.3f}", f"{bare99:.3f}"])
    table("Lateness of an iteration's start against its plan, ms",
          ["rate", "p50", "p99", "goal", "drops", "cores used", "bare sleep p50", "p99"], rows)


main()
