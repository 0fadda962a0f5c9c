#!/usr/bin/env bash
# Every benchmark, one after the other. ROUNDS and SECONDS_EACH make them longer.
set -euo pipefail
cd "$(dirname "$0")"
for part in overhead arrivals scale postgres head_row store queue_cycle queue_depth http_queue waiting backends; do
    python3 "$part.py"
done
