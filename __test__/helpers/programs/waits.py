"""Waiting for a time and for a stream. A sleep of CPython's is one up to an
absolute time of the monotonic clock, and node:wasi does not come back from it.
"""

import select
import sys
import time


def waited(action):
    before = time.monotonic_ns()
    action()
    return time.monotonic_ns() - before


print("slept", waited(lambda: time.sleep(0.02)) >= 20_000_000)
print("slept shortly", waited(lambda: [time.sleep(0.0003) for _ in range(10)]) >= 3_000_000)
print("polled shortly", waited(lambda: [select.select([], [], [], 0.0003) for _ in range(10)]) >= 3_000_000)
print("slept until a time gone by", waited(lambda: time.sleep(0)) >= 0)

# A regular file is always ready.
print("ready", select.select([0], [], [])[0])
print(sys.stdin.read())
