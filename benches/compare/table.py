#!/usr/bin/env python3
"""results.jsonl -> table.md and chart.svg, in the same folder:

    python3 table.py FOLDER
"""

import collections
import json
import math
import pathlib
import statistics
import sys

import chart

OURS = "recurrent"
TOLERANCE = 1e-5  # of an output in [-1, 1]: what float32 loses in the longest row, and ten times that
NAMES = {"onnxruntime": "ONNX Runtime", "torch": "PyTorch", "openvino": "OpenVINO", "keras": "Keras"}
NAMES |= {"candle": "candle", "burn": "burn", "tract": "tract", "rten": "rten", "rust-lstm": "rust-lstm"}
NAMES |= {OURS: "recurrent"}


def agrees(result):
    return result["error"] is not None and result["error"] <= TOLERANCE


def line(result):
    """One result for the person who waits."""
    where = f"{result['threads']} thread(s), round {result['round']}, {result['row']} {result['peer']:12}"
    if "left_out" in result:
        return f"{where} left out: {result['left_out'].splitlines()[0]}"
    ns = f"{result['ns']:12.1f} ns" if "ns" in result else ""
    wrong = "" if agrees(result) else " WRONG"
    return f"{where} {ns}, off by {result['error'] or math.nan:.0e}{wrong}, others {result['others']:.0%}"


class Results:
    """The median over the rounds, by (threads, row, peer), and what is to be said beside it."""

    def __init__(self, path):
        self.setting, *results = map(json.loads, path.read_text().splitlines())
        self.rows = self.setting["rows"]
        self.peers = [peer for peer in self.setting["versions"]]
        cells = collections.defaultdict(list)
        for result in results:
            cells[result["threads"], result["row"], result["peer"]].append(result)
        self.threads = sorted({threads for threads, _, _ in cells})
        self.ns, self.left_out, self.wrong, self.spread = {}, {}, {}, {}
        self.stateless = sorted({(r["peer"], r["row"]) for r in results if r.get("without_state")})
        self.others = [result["others"] for result in results if "ns" in result]
        for key, rounds in cells.items():
            if reasons := [result["left_out"] for result in rounds if "left_out" in result]:
                self.left_out[key[2], key[1]] = reasons[0].splitlines()[0]
            elif not all(map(agrees, rounds)):
                self.wrong[key] = [result["error"] for result in rounds]
            elif times := [result["ns"] for result in rounds if "ns" in result]:
                self.ns[key] = statistics.median(times)
                self.spread[key] = (max(times) - min(times)) / self.ns[key]

    def ratio(self, threads, row, peer):
        """How many times as long as this crate a peer takes, or None."""
        peer, ours = self.ns.get((threads, row, peer)), self.ns.get((threads, row, OURS))
        return peer and ours and peer / ours

    def ratios(self, threads, peer):
        ratios = {row: self.ratio(threads, row, peer) for row in self.rows}
        return {row: ratio for row, ratio in ratios.items() if ratio}


def duration(ns):
    return f"{ns:,.0f}" if ns >= 100 else f"{ns:.3g}"


def times(ratio):
    return f"{ratio:.{2 if ratio < 10 else 1 if ratio < 100 else 0}f}"


def mean(ratios):
    return math.exp(statistics.fmean(map(math.log, ratios)))


def table(results, threads):
    timed = {peer for n, _, peer in results.ns if n == threads}
    peers = [peer for peer in results.peers if peer in timed and peer != OURS]
    head = ["", "one call", "recurrent, ns", *(NAMES[peer] for peer in peers)]
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)]]
    for row, what in results.rows.items():
        ours = results.ns.get((threads, row, OURS))
        cells = []
        for peer in peers:
            ratio = results.ratio(threads, row, peer)
            ns = results.ns.get((threads, row, peer))
            wrong = "wrong" if (threads, row, peer) in results.wrong else "–"
            text = times(ratio) if ratio else f"{duration(ns)} ns" if ns else wrong
            cells.append(f"**{text}** ▼" if ratio and ratio < 1 else text)
        lines.append([row, what, duration(ours) if ours else "–", *cells])
    ratios = [results.ratios(threads, peer).values() for peer in peers]
    if any(ratios):
        lines.append(["", "geometric mean", "", *(times(mean(of)) if of else "–" for of in ratios)])
        lines.append(["", "rows, of which lost", "", *(f"{len(of)}, {sum(x < 1 for x in of)}" for of in ratios)])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def notes(results):
    by_reason = collections.defaultdict(list)
    for (peer, row), reason in results.left_out.items():
        by_reason[peer, reason].append(row)
    if by_reason:
        rows = (f"{NAMES[peer]} {', '.join(rows)} ({reason})" for (peer, reason), rows in by_reason.items())
        yield f"Left out: {'; '.join(rows)}."
    if results.wrong:
        rows = (f"{NAMES[peer]} {row}, {n} thread(s) ({off})" for (n, row, peer), off in results.wrong.items())
        yield f"Off by more than {TOLERANCE:g}, so not compared: {'; '.join(rows)}."
    if results.stateless:
        rows = (f"{NAMES[peer]} {row}" for peer, row in results.stateless)
        yield f"The last state is not returned, or not all of it: {', '.join(rows)}."
    setting = results.setting
    if results.ns:
        spread, others = results.spread.values(), results.others
        yield (
            f"Medians of {setting['rounds']} rounds of {setting['seconds']} s each. From the fastest to the slowest "
            f"round of a number: {statistics.median(spread):.1%} in the middle, {max(spread):.0%} at worst. Other "
            f"programs' share of the cores: {statistics.median(others):.1%} in the middle, {max(others):.0%} at worst."
        )
    yield f"Machine: {setting['machine']}; pinned to cores {setting['cores']}. Measured on {setting['date']}."
    yield f"Versions: {', '.join(setting['versions'].values())}; {', '.join(setting['tools'])}."


def markdown(results):
    parts = [
        "How many times as long as this crate each peer takes: over 1 this crate is faster, **under 1 ▼ it is "
        "slower**. `ns` is the time of a call per timestep and sample. `–`: the peer cannot do the row.",
    ]
    for threads in results.threads:
        if any(key[0] == threads for key in results.ns):
            parts += ["One thread:" if threads == 1 else f"{threads} threads:", table(results, threads)]
    return "\n\n".join([*parts, "\n".join(f"* {note}" for note in notes(results))]) + "\n"


def main(folder):
    results = Results(folder / "results.jsonl")
    (folder / "table.md").write_text(markdown(results))
    print(folder / "table.md")
    if svg := chart.svg(results, NAMES, OURS):
        (folder / "chart.svg").write_text(svg)
        print(folder / "chart.svg")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
