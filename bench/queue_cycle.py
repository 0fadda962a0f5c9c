#!/usr/bin/env python3
"""The full cycle of tasks (create, claim, complete: q7 on a table) against `pgbench -M prepared` with the same statements."""

import os
import re
import subprocess

from lib import ROUNDS, SECONDS, Servers, children_cpu_s, median, operation, script, snapbench, spread, table, tool

PGBENCH, PSQL = tool("pgbench"), tool("psql")
# Six statements a cycle, 32 tasks.
STATEMENTS = 6
SCHEMA = """DROP TABLE IF EXISTS snapbench_bench_queue_item; CREATE TABLE snapbench_bench_queue_item (
    queue text NOT NULL, priority int NOT NULL, visible_at timestamptz NOT NULL DEFAULT now(),
    id bigint GENERATED ALWAYS AS IDENTITY, item jsonb NOT NULL, PRIMARY KEY (queue, priority, visible_at, id))"""
ITEM = '{\\"k\\": 1234567890123, \\"at\\": 12345678, \\"body\\": \\"' + "x" * 80 + '\\"}'
ITEMS = "{" + ",".join(f'"{ITEM}"' for _ in range(8)) + "}"


def pgbench(url, clients):
    subprocess.run([PSQL, "-q", "-c", SCHEMA, url], check=True, capture_output=True)
    before = children_cpu_s()
    command = [PGBENCH, "-n", "-M", "prepared", "-f", script("cycle.sql"), "-c", str(clients), "-j", "2", "-T", str(SECONDS),
               "-D", f"items={ITEMS}", "-D", "priority=0", "-D", "lease_ms=30000", "-D", "batch=32", url]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    cycles = int(re.search(r"transactions actually processed: (\d+)", done.stdout).group(1))
    return cycles / SECONDS, (children_cpu_s() - before) * 1e6 / (cycles * STATEMENTS)


def ours(url, vus, ledger):
    subprocess.run([PSQL, "-q", "-c", "DROP TABLE IF EXISTS snapbench_bench_queue_item", url], check=True, capture_output=True)
    run, cpu_s = snapbench([script("cycle.rhai"), "--postgres-url", url, "--yes", "--duration", f"{SECONDS}s", "--warm-up", "1s",
                            "-p", f"vus={vus}", "-p", f"ledger={'true' if ledger else 'false'}"])
    for ledger_found in run["ledgers"]:
        assert ledger_found["passed"], ledger_found
    count = sum(operation(run, name)[0] for name in ("push", "claim", "complete"))
    return count / STATEMENTS / run["summary"]["window_s"], cpu_s * 1e6 / count


def main():
    for durability in os.environ.get("DURABILITY", "off on").split():
        with Servers("--durability", durability) as at:
            url = at["postgres"]["url"]
            rows = []
            for vus in (8, 32):
                sides = {"pgbench": lambda: pgbench(url, vus), "snapbench": lambda: ours(url, vus, False),
                         "snapbench, ledger": lambda: ours(url, vus, True)}
                taken = {name: [] for name in sides}
                for _ in range(ROUNDS):
                    for name, measure in sides.items():
                        taken[name].append(measure())
                base = taken["pgbench"]
                for name, measured in taken.items():
                    of_rate = [m[0] / b[0] for m, b in zip(measured, base)]
                    of_cpu = [m[1] / b[1] for m, b in zip(measured, base)]
                    rows.append([vus, name, f"{median([m[0] for m in measured]) * 32:.0f}", spread(of_rate),
                                 f"{median([m[1] for m in measured]):.1f}", spread(of_cpu), "" if name == "pgbench" else "<= 1.5"])
            table(f"Create 8, claim 32, complete 32: durability {durability}",
                  ["clients", "side", "tasks/s", "of pgbench", "client µs a statement", "of pgbench", "goal"], rows)


main()
