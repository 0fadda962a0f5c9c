#!/usr/bin/env python3
"""Postgres through a script against `pgbench -M prepared`: the same CAS UPDATE on 100,000 rows, the same server."""

import os
import subprocess

from lib import (ROUNDS, SECONDS, Servers, children_cpu_s, median, operation, pgbench_tps, script, snapbench,
                 spread, table, tool)


PGBENCH, PSQL = tool("pgbench"), tool("psql")
ROWS = """DROP TABLE IF EXISTS bench_head;
CREATE TABLE bench_head (id bigint PRIMARY KEY, seq bigint NOT NULL) WITH (fillfactor = 50);
INSERT INTO bench_head SELECT n, 0 FROM generate_series(0, 99999) AS n; VACUUM ANALYZE bench_head;"""


def pgbench(url, clients):
    before = children_cpu_s()
    command = [PGBENCH, "-n", "-M", "prepared", "-f", script("cas.sql"), "-c", str(clients), "-j", "2", "-T",
               str(SECONDS), url]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    tps = pgbench_tps(done.stdout)
    return tps, (children_cpu_s() - before) * 1e6 / (tps * SECONDS)


def ours(url, vus, pool):
    flags = ["-p", f"vus={vus}", "-p", f"pool={pool}"]
    run, cpu_s = snapbench([script("cas.rhai"), "--postgres-url", url, "--duration", f"{SECONDS}s", "--warm-up", "1s",
                            *flags])
    count, _ = operation(run, "swap")
    return count / run["summary"]["window_s"], cpu_s * 1e6 / count


def compare(url, title, cases):
    rows = []
    for name, clients, vus, pool, goal in cases:
        theirs, mine = [], []
        for _ in range(ROUNDS):
            theirs.append(pgbench(url, clients))
            mine.append(ours(url, vus, pool))
        ratios = [m[0] / t[0] for m, t in zip(mine, theirs)]
        rows.append([name, f"{median([t[0] for t in theirs]):.0f}", f"{median([m[0] for m in mine]):.0f}",
                     spread(ratios), goal, f"{median([t[1] for t in theirs]):.1f}",
                     f"{median([m[1] for m in mine]):.1f}"])
    table(title, ["load", "pgbench/s", "snapbench/s", "ratio", "goal", "pgbench µs", "snapbench µs"], rows)


def main():
    cases = [
        ("8 dedicated", 8, 8, "dedicated", ">= 0.90"),
        ("32 dedicated", 32, 32, "dedicated", ">= 0.90"),
        ("32 on 8 pipelined (pgbench: 32)", 32, 32, "pipelined", ">= 1.3"),
    ]
    for durability in os.environ.get("DURABILITY", "off on").split():
        with Servers("--durability", durability) as at:
            url = at["postgres"]["url"]
            subprocess.run([PSQL, "-q", "-c", ROWS.split("VACUUM")[0], url], check=True)
            subprocess.run([PSQL, "-q", "-c", "VACUUM ANALYZE bench_head", url], check=True)
            compare(url, f"CAS UPDATE, unix socket, durability {durability} (client CPU a transaction in µs)", cases)


main()
