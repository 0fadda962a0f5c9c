#!/usr/bin/env python3
"""Pushes and pops over HTTP on the reference service (s3): snapbench against Locust (PyPI), and wrk as the floor, in turns.

CPU is counted while requests are sent: of Locust its process, of snapbench its generator cores (its other threads take some 2 %
more), of wrk the whole process with its start.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request

from lib import ROUNDS, SECONDS, Servers, children_cpu_s, median, need, operation, script, snapbench, spread, table

AT_ONCE = 16
QUEUES = ("bench-0", "locust", "wrk")


def rival(folder):
    """Locust, in an environment of its own."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    if subprocess.run([os.path.join(folder, "bin", "pip"), "install", "--quiet", "locust"]).returncode != 0:
        sys.exit("pip cannot install Locust: is PyPI reachable?")
    return os.path.join(folder, "bin", "locust")


def empty(url, queue):
    for method in ("PUT", "DELETE"):
        urllib.request.urlopen(urllib.request.Request(f"{url}/v1/queues/{queue}", method=method)).close()


def by_locust(locust, client, url):
    with tempfile.TemporaryDirectory(prefix="snapbench-bench-") as folder:
        found = os.path.join(folder, "found.json")
        command = [locust, "-f", script("http_queue.py"), "--headless", "--users", str(AT_ONCE), "--spawn-rate", str(AT_ONCE),
                   "--run-time", f"{SECONDS}s", "--host", url, "--only-summary", "--loglevel", "ERROR"]
        done = subprocess.run(command, capture_output=True, text=True, 
                              env={**os.environ, "LOCUST_FOUND": found, "LOCUST_CLIENT": client})
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        with open(found, encoding="utf-8") as file:
            found = json.load(file)
    assert found["failures"] == 0, found
    return found["requests"], found["seconds"], found["cpu_s"], found["p99_ms"]


def by_wrk(url):
    before = children_cpu_s()
    command = ["wrk", "--threads", "2", "--connections", str(AT_ONCE), "--duration", f"{SECONDS}s", "--latency", "--script",
               script("http_queue.lua"), url]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["errors"] == 0, found
    return found["requests"], found["seconds"], children_cpu_s() - before, found["p99_ms"]


def by_snapbench(url, ledger):
    run, cpu_s = snapbench([script("http_queue.rhai"), "--http-url", url, "--yes", "--duration", f"{SECONDS}s", "--warm-up", "1s",
                            "-p", f"vus={AT_ONCE}", "-p", f"ledger={'true' if ledger else 'false'}"])
    assert all(kept["passed"] for kept in run["ledgers"]), run["ledgers"]
    count = sum(operation(run, name)[0] for name in ("push", "pop"))
    p99_ms = max(found["latency"]["p99_ms"] for name in ("push", "pop") for found in operation(run, name)[1])
    return count, run["summary"]["window_s"], cpu_s, p99_ms


def main():
    need("wrk", "apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="snapbench-locust-") as folder:
        locust = rival(folder)
        with Servers("--service", "--durability", "off") as servers:
            url = servers["service"]["url"]
            sides = {"Locust": lambda: by_locust(locust, "HttpUser", url),
                     "Locust, fast client": lambda: by_locust(locust, "FastHttpUser", url), "snapbench": lambda: by_snapbench(url, False),
                     "snapbench, ledger": lambda: by_snapbench(url, True), "wrk": lambda: by_wrk(url)}
            taken = {name: [] for name in sides}
            for _ in range(ROUNDS):
                for queue in QUEUES:
                    empty(url, queue)
                for name, measure in sides.items():
                    taken[name].append(measure())
    per_cpu_s = {name: [count / cpu_s for count, _, cpu_s, _ in found] for name, found in taken.items()}
    rows = []
    for name, found in taken.items():
        of_rival = [ours / theirs for ours, theirs in zip(per_cpu_s[name], per_cpu_s["Locust"])]
        rows.append([name, f"{median([count / seconds for count, seconds, _, _ in found]):.0f}",
                     f"{median(per_cpu_s[name]):.0f}", spread(of_rival), f"{1e6 / median(per_cpu_s[name]):.1f}",
                     f"{median([one[3] for one in found]):.2f}", ">= 10" if name.startswith("snapbench") else ""])
    table(f"Push and pop over HTTP, {AT_ONCE} at once, durability off",
          ["side", "requests/s", "requests per client CPU s", "of Locust", "client µs a request", "p99 ms", "goal"], rows)


main()
