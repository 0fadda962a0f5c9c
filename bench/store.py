#!/usr/bin/env python3
"""PUT and GET of 4 KB at concurrency 32 on the embedded store, through both clients, alternating."""

from lib import ROUNDS, SECONDS, median, operation, script, snapbench, table


def main():
    rows = []
    for verb in ("put", "get"):
        found = {"lean": [], "sdk": []}
        for _ in range(ROUNDS):
            for client, figures in found.items():
                run, cpu_s = snapbench([script("store.rhai"), "-p", f"client={client}", "-p", f"verb={verb}", "--duration",
                                        f"{SECONDS}s", "--warm-up", "1s"])
                count, _ = operation(run, verb)
                figures.append((count / run["summary"]["window_s"], cpu_s * 1e6 / count))
        lean, sdk = found["lean"], found["sdk"]
        rows.append([verb, f"{median([f[0] for f in lean]):.0f}", f"{median([f[0] for f in sdk]):.0f}",
                     f"{median([f[1] for f in lean]):.1f}", "<= 20", f"{median([f[1] for f in sdk]):.1f}"])
    table("4 KB objects, 32 at once, durability off (client CPU an operation in µs)",
          ["verb", "lean/s", "sdk/s", "lean µs", "goal", "sdk µs"], rows)


main()
