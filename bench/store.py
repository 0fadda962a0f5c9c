#!/usr/bin/env python3
"""PUT and GET of 4 KB at concurrency 32 on the embedded store: `lean` against our own `sdk` client and against the same loop
in Node with the AWS SDK (npm), alternating; then pages of a listing among many keys, and the memory of the store."""

import json
import os
import subprocess
import sys
import tempfile

from lib import ROUNDS, SECONDS, Servers, median, need, operation, script, snapbench, table

AT_ONCE = 32
RIVAL = ["@aws-sdk/client-s3@^3", "@smithy/node-http-handler"]


def rival(folder):
    """Node's loop with its packages, in a folder of its own."""
    need("npm", "it comes with Node.js")
    path = os.path.join(folder, "store.mjs")
    with open(script("store.mjs"), encoding="utf-8") as source, open(path, "w", encoding="utf-8") as copy:
        copy.write(source.read())
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, *RIVAL]
    if subprocess.run(command).returncode != 0:
        sys.exit("npm cannot install the AWS SDK: is the registry reachable?")
    return path


def by_node(path, at, verb):
    done = subprocess.run(["node", path, at["endpoint"], verb, str(AT_ONCE), str(SECONDS)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"node: {done.stderr}")
    found = json.loads(done.stdout)
    return found["count"] / found["seconds"], found["cpu_s"] * 1e6 / found["count"]


def by_snapbench(client, at, verb):
    run, cpu_s = snapbench([script("store.rhai"), "-p", f"verb={verb}", "--s3-client", client, "--s3-endpoint", at["endpoint"],
                            "--duration", f"{SECONDS}s", "--warm-up", "1s", "--yes"])
    count, _ = operation(run, verb)
    return count / run["summary"]["window_s"], cpu_s * 1e6 / count


def clients(path):
    rows = []
    with Servers("--durability", "off") as servers:
        at = servers["store"]
        os.environ.update(AWS_ACCESS_KEY_ID=at["access_key"], AWS_SECRET_ACCESS_KEY=at["secret_key"])
        by_snapbench("lean", at, "put")  # makes bucket and objects
        for verb in ("put", "get"):
            found = {"lean": [], "sdk": [], "node": []}
            for _ in range(ROUNDS):
                for client, figures in found.items():
                    one = by_node(path, at, verb) if client == "node" else by_snapbench(client, at, verb)
                    figures.append(one)
            per_s = {client: median([f[0] for f in figures]) for client, figures in found.items()}
            cpu_us = {client: median([f[1] for f in figures]) for client, figures in found.items()}
            rows.append([verb, *(f"{per_s[c]:.0f}" for c in found), *(f"{cpu_us[c]:.1f}" for c in found),
                         f"{cpu_us['sdk'] / cpu_us['lean']:.1f}", f"{cpu_us['node'] / cpu_us['lean']:.1f}"])
    table(f"4 KB objects, {AT_ONCE} at once, durability off (client CPU an operation in µs; goals: lean <= 20, sdk/lean >= 5, node/lean >= 10)",
          ["verb", "lean/s", "sdk/s", "node/s", "lean µs", "sdk µs", "node µs", "sdk/lean", "node/lean"], rows)


def pages():
    found = {1_000: [], 50_000: []}
    for _ in range(ROUNDS):
        for keys, figures in found.items():
            run, _ = snapbench([script("store_list.rhai"), "-p", f"keys={keys}", "--duration", f"{SECONDS}s", "--warm-up", "1s"])
            figures.append(operation(run, "list")[1][0]["latency"]["p50_ms"])
    small, large = (median(figures) for figures in found.values())
    table("a page of 1,000 keys, p50 (goal: the page at 50,000 keys <= 1.5 times)",
          ["at 1,000 ms", "at 50,000 ms", "ratio"], [[f"{small:.3f}", f"{large:.3f}", f"{large / small:.2f}"]])


def rss_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def memory():
    rows = []
    for objects in (100_000, 1_000_000):
        with Servers("--durability", "off") as servers:
            at = servers["store"]
            os.environ.update(AWS_ACCESS_KEY_ID=at["access_key"], AWS_SECRET_ACCESS_KEY=at["secret_key"])
            before = rss_mb(at["pid"])
            snapbench([script("store_fill.rhai"), "-p", f"objects={objects}", "--s3-endpoint", at["endpoint"], "--yes"])
            after = rss_mb(at["pid"])
            rows.append([f"{objects:,}", f"{after:.0f}", f"{(after - before) * 1024 * 1024 / objects:.0f}"])
    table("memory of the embedded store, 4 KB objects (goal: 1e6 in 2 GiB)", ["objects", "RSS MiB", "bytes an object"], rows)


def main():
    with tempfile.TemporaryDirectory(prefix="snapbench-bench-") as folder:
        clients(rival(folder))
    pages()
    memory()


main()
