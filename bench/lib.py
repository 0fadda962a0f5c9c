"""What the benchmarks share: running snapbench and rivals, reading their figures, medians and ratios.

Public tools only, standard library only. Every comparison alternates its sides within one run.
"""

import glob
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SNAPBENCH = os.environ.get("SNAPBENCH", os.path.join(ROOT, "target", "release", "snapbench"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = int(os.environ.get("SECONDS_EACH", "6"))


def need(path, remedy):
    if not (os.path.exists(path) or shutil.which(path)):
        sys.exit(f"{path} is not here: {remedy}")
    return path


def tool(name):
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), name)
    return need(found, "it comes with Postgres (apt-get install postgresql)")


def script(name):
    return os.path.join(ROOT, "bench", "scripts", name)


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def children_peak_mb():
    """The most memory that any child so far had at once, in MB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


def snapbench(arguments):
    """Runs `snapbench run … --json`; gives the run file, and CPU seconds of its generator cores while it measured."""
    need(SNAPBENCH, "build it with `cargo build --release --bin snapbench`")
    with tempfile.TemporaryDirectory(prefix="snapbench-bench-") as out:
        command = [SNAPBENCH, "run", *arguments, "--json", "--quiet", "--out", out]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 99):
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr}")
    run = json.loads(done.stdout)
    summary = run["summary"]
    cpu_s = sum(core["busy_share"] for core in summary["cores"]) * summary["window_s"]
    return run, cpu_s


def snapbench_process(arguments):
    """Runs `snapbench run … --json` to a good end; gives the run file, and what its whole process took (getrusage)."""
    need(SNAPBENCH, "build it with `cargo build --release --bin snapbench`")
    with tempfile.TemporaryDirectory(prefix="snapbench-bench-") as out:
        command = [SNAPBENCH, "run", *arguments, "--json", "--quiet", "--out", out]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return json.loads(output), used


def iterations(run):
    return sum(s["done"] for s in run["summary"]["scenarios"])


def operation(run, name):
    found = [o for o in run["summary"]["ops"] if o["name"] == name]
    return sum(o["latency"]["count"] for o in found), found


class Servers:
    """`snapbench up`: Postgres and the object store, until the block ends."""

    def __init__(self, *flags):
        self.flags = flags

    def __enter__(self):
        need(SNAPBENCH, "build it with `cargo build --release --bin snapbench`")
        self.process = subprocess.Popen(
            [SNAPBENCH, "up", "--json", *self.flags], stdout=subprocess.PIPE, text=True
        )
        text = ""
        for line in self.process.stdout:
            text += line
            try:
                self.at = json.loads(text)
                return self.at
            except json.JSONDecodeError:
                continue
        sys.exit("snapbench up ended before it was ready")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def median(values):
    return statistics.median(values)


def spread(values):
    return f"{median(values):.4g} [{min(values):.4g} … {max(values):.4g}]"


def table(title, header, rows):
    print(f"\n{title}")
    widths = [max(len(str(row[n])) for row in [header, *rows]) for n in range(len(header))]
    for row in [header, ["-" * w for w in widths], *rows]:
        print("  " + "  ".join(str(cell).rjust(w) for cell, w in zip(row, widths)))
    sys.stdout.flush()


def floor_ms(period_s=0.001, rounds=2_000):
    """How late a bare sleep of the machine itself ends, p50 and p99 in ms: nothing here can be better than that."""
    late_ms = []
    due = time.monotonic()
    for _ in range(rounds):
        due = max(due + period_s, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        late_ms.append((time.monotonic() - due) * 1e3)
    late_ms.sort()
    return late_ms[len(late_ms) // 2], late_ms[len(late_ms) * 99 // 100]


def pgbench_tps(text):
    return float(re.search(r"tps = ([0-9.]+)", text).group(1))
