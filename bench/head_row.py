#!/usr/bin/env python3
"""a0's life of a head row against `pgbench -M prepared` doing the nearest same work: same table, same server, as many
clients. ACTIVE names the sizes, DURABILITY the servers. Also: what the ledger costs, what sampling costs, and the
generator's memory."""

import os
import subprocess
import tempfile
import time

from lib import (ROOT, ROUNDS, SECONDS, Servers, children_cpu_s, children_peak_mb, median, pgbench_tps, snapbench,
                 spread, table, tool)

WORKERS = 8
A0 = os.path.join(ROOT, "scenarios", "a0_head_row.rhai")
PGBENCH, PSQL = tool("pgbench"), tool("psql")
# The scenario's own table, filled by the server: each side begins with a fresh one, or the later would find it warm.
FRESH = """DROP TABLE IF EXISTS snapbench_run_head;
CREATE TABLE snapbench_run_head (run_id text PRIMARY KEY, seq bigint NOT NULL, execution_status text NOT NULL,
  run_status text NOT NULL, attempt_number int NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 90);
INSERT INTO snapbench_run_head SELECT 'run-' || lpad(n::text, 12, '0'), 0, 'running', 'active', 1
  FROM generate_series(0, {last}) AS n;"""
# Moves a run on by compare-and-swap. Unlike the scenario it knows no versions, so it compares with what cannot fail.
STEP = """\\set n random(0, {last})
UPDATE snapbench_run_head SET seq = seq + 1, updated_at = now()
 WHERE run_id = 'run-' || lpad((:n)::text, 12, '0') AND seq >= 0 RETURNING seq;
"""
# A run of 5 to 20 transitions is complete after 12.5: two of these for every 25 of the above.
REPLACE = """\\set n random(0, {last})
DELETE FROM snapbench_run_head WHERE run_id = 'run-' || lpad((:n)::text, 12, '0');
INSERT INTO snapbench_run_head VALUES ('run-' || lpad((:n)::text, 12, '0'), 0, 'running', 'active', 1) ON CONFLICT DO NOTHING;
"""
OPERATIONS_A_TRANSACTION = (25 * 1 + 2 * 2) / 27


def psql(url, sql):
    subprocess.run([PSQL, "-q", "-c", sql, url], check=True, stdout=subprocess.DEVNULL)


def theirs(url, active):
    psql(url, FRESH.format(last=active - 1))
    time.sleep(1.1)
    psql(url, "VACUUM (FREEZE, ANALYZE) snapbench_run_head")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("step", STEP), ("replace", REPLACE)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as script:
                script.write(text.format(last=active - 1))
        files = ["-f", f"{folder}/step@25", "-f", f"{folder}/replace@2"]
        command = [PGBENCH, "-n", "-M", "prepared", *files, "-c", str(WORKERS), "-j", "2", url, "-T"]
        subprocess.run([*command, "1"], capture_output=True, check=True)
        before = children_cpu_s()
        done = subprocess.run([*command, str(SECONDS)], capture_output=True, text=True)
        cpu_s = children_cpu_s() - before
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    per_s = pgbench_tps(done.stdout) * OPERATIONS_A_TRANSACTION
    return per_s, cpu_s * 1e6 / (per_s * SECONDS)


def ours(url, active, *settings):
    parameters = [f"active={active}", f"workers={WORKERS}", "keep=true", *settings]
    run, cpu_s = snapbench([A0, "--postgres-url", url, "--yes", "--duration", f"{SECONDS}s", "--warm-up", "1s",
                            *[word for parameter in parameters for word in ("-p", parameter)]])
    summary = run["summary"]
    return summary["operations_per_s"], cpu_s * 1e6 / summary["operations"]


def main():
    sizes = [int(size) for size in os.environ.get("ACTIVE", "10000 100000 1000000").split()]
    for durability in os.environ.get("DURABILITY", "on off").split():
        rows = []
        with Servers("--durability", durability) as at:
            url = at["postgres"]["url"]
            for active in sizes:
                rival, plain, proved, unwatched = [], [], [], []
                for _ in range(ROUNDS):
                    rival.append(theirs(url, active))
                    plain.append(ours(url, active, "ledger=false"))
                    proved.append(ours(url, active))
                    unwatched.append(ours(url, active, "sample=1h"))
                rate = lambda side: median([one[0] for one in side])
                ratio = lambda side, other: spread([a[0] / b[0] for a, b in zip(side, other)])
                rows.append([f"{active:,}", f"{rate(rival):.0f}", ratio(plain, rival), ratio(proved, rival),
                             ratio(proved, unwatched), f"{median([one[1] for one in rival]):.1f}",
                             f"{median([one[1] for one in proved]):.1f}", f"{children_peak_mb():.0f}"])
        table(f"a0, {WORKERS} workers, durability {durability}, against pgbench (client CPU an operation in µs)", [
            "active", "pgbench/s", "no ledger (0.95)", "ledger (0.90)", "sampled (0.98)", "pgbench µs", "snapbench µs",
            "peak MB"],
            rows)


main()
