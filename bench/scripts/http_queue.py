"""The rival's side of http_queue.rhai, for Locust: no pause between requests, no checks. LOCUST_CLIENT says which of its two
clients: `HttpUser`, the one of its guide, or `FastHttpUser`.

It measures itself from the first request to the last, so that the start of Python is not held against it.
"""

import json
import os
import random
import resource
import time

import locust
from locust import constant, events, task

BODY = "x" * 200
NEXT_KEY = iter(range(1 << 62))
BEGAN = {}


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Traffic(getattr(locust, os.environ["LOCUST_CLIENT"])):
    wait_time = constant(0)

    @task
    def push_or_pop(self):
        if random.random() < 0.5:
            item = {"k": next(NEXT_KEY), "at": 0, "body": BODY}
            self.client.post("/v1/queues/locust/items", json={"item": item, "priority": 0}, name="push")
        else:
            self.client.post("/v1/queues/locust/pop", json={"depth": 1}, name="pop")


@events.test_start.add_listener
def begin(environment, **_):
    BEGAN.update(at=time.monotonic(), cpu_s=cpu_s())


@events.test_stop.add_listener
def end(environment, **_):
    total = environment.stats.total
    found = {"requests": total.num_requests, "failures": total.num_failures, "cpu_s": cpu_s() - BEGAN["cpu_s"],
             "seconds": time.monotonic() - BEGAN["at"], "p99_ms": total.get_response_time_percentile(0.99)}
    with open(os.environ["LOCUST_FOUND"], "w", encoding="utf-8") as file:
        json.dump(found, file)
