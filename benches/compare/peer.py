"""What every Python peer shares: the check, the clock, and the talk with compare.py (as in rust/src/lib.rs).

    python peer_torch.py FOLDER THREADS SECONDS     then ids of rows on standard input, one result a line
"""

import gc
import json
import math
import sys
import time

import numpy as np

import rows


def serve(setup, make):
    """setup(threads), once; make(row, threads, folder) -> a peer with the layers of that row:

    call(n)   so many calls, one after the other
    answer()  (y, h, c) of the last call as arrays, None for what the peer does not return
    """
    folder, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    out, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no result
    setup(threads)
    print("ready", file=out, flush=True)
    for id in sys.stdin:
        row = rows.ROWS[id.strip()]
        try:
            result = one(row, make(row, threads, folder), folder, seconds)
        except Exception as e:
            result = {"left_out": f"{type(e).__name__}: {e}"}
        print(json.dumps(result), file=out, flush=True)
        gc.collect()


def one(row, peer, folder, seconds):
    peer.call(rows.CHECKED_STEPS if row.step else 1)
    y, h, c = peer.answer()
    result = {
        "error": largest_error(row, folder, y, h, c),
        "without_state": h is None or (row.cell == "lstm" and c is None),
    }
    if seconds > 0:
        median, result["calls"] = clock(peer.call, seconds)
        result["ns"] = median * 1e9 / (row.timesteps * row.samples)
    return result


def largest_error(row, folder, y, h, c):
    """The largest distance from the reference; padding, which every peer fills in its own way, does not count."""
    expected = rows.read(row, folder)
    largest = 0.0
    for name, got, expected in zip("yhc", (y, h, c), expected):
        if got is None or expected.size == 0:
            continue
        if got.size != expected.size:
            raise ValueError(f"{name} has {got.size} numbers, not {expected.size}")
        error = np.abs(np.asarray(got, np.float64).reshape(expected.shape) - expected)
        if name == "y" and row.padded:
            error = error[np.arange(row.timesteps)[:, None] < row.lengths()]
        largest = max(largest, float(error.max())) if np.isfinite(error).all() else math.inf
    return largest if math.isfinite(largest) else None


def clock(call, seconds):
    """The median of the seconds of a call, and how many calls were made.

    Short calls are timed in blocks. Long ones are timed at least three times, however long that takes."""
    now = time.perf_counter
    start, warm = now(), 0
    while warm == 0 or now() - start < seconds / 4:
        call(1)
        warm += 1
    block = math.ceil(2e-4 * warm / (now() - start))
    times = []
    gc.disable()
    start = now()
    while len(times) < 3 or now() - start < seconds:
        block_start = now()
        call(block)
        times.append((now() - block_start) / block)
    gc.enable()
    return float(np.median(times)), len(times) * block
