"""The ratios of one thread as an SVG: a line per row, a dot per peer. Its greys and colours are read on white and on
black."""

import html
import math

WIDTH, LEFT, RIGHT, TOP, LINE = 700, 236, 14, 66, 24
GREY = "#808a95"
# Okabe and Ito's colours, told apart by most eyes; circles for Python's peers, squares for Rust's.
MARKS = {
    "onnxruntime": ("circle", "#0072b2"),
    "torch": ("circle", "#d55e00"),
    "openvino": ("circle", "#cc79a7"),
    "keras": ("circle", "#e69f00"),
    "candle": ("square", "#d55e00"),
    "burn": ("square", "#e69f00"),
    "tract": ("square", "#0072b2"),
    "rten": ("square", "#009e73"),
    "rust-lstm": ("square", "#56b4e9"),
}
TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]


def mark(peer, x, y):
    shape, colour = MARKS[peer]
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'
    return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'


def text(x, y, words, anchor="start", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{html.escape(words)}</text>'


def line(x1, y1, x2, y2, width):
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{GREY}" stroke-width="{width}"/>'


def svg(results, names, ours):
    """None if there is nothing to show."""
    ratios = {peer: results.ratios(1, peer) for peer in results.peers if peer != ours}
    ratios = {peer: by_row for peer, by_row in ratios.items() if by_row}
    rows = [row for row in results.rows if any(row in by_row for by_row in ratios.values())]
    if not rows:
        return None
    all = [ratio for by_row in ratios.values() for ratio in by_row.values()]
    low, high = min(0.8, *all) * 0.95, max(2, *all) * 1.1
    bottom = TOP + LINE * len(rows)
    at = lambda ratio: LEFT + (WIDTH - LEFT - RIGHT) * math.log(ratio / low) / math.log(high / low)

    parts = [text(0, 14, "Times as long as recurrent, one thread: right of 1 recurrent is faster", size=14)]
    step = (WIDTH - 10) / 5
    for i, peer in enumerate(ratios):
        x, y = 6 + step * (i % 5), 32 + 17 * (i // 5)
        parts += [mark(peer, x, y), text(x + 10, y + 4, names[peer])]
    for tick in TICKS:
        if low <= tick <= high:
            parts.append(line(at(tick), TOP, at(tick), bottom, 2 if tick == 1 else 0.3))
            parts.append(text(at(tick), bottom + 15, f"{tick:g}×", "middle"))
    for i, row in enumerate(rows):
        y = TOP + LINE * (i + 0.5)
        found = [(by_row[row], peer) for peer, by_row in ratios.items() if row in by_row]
        parts.append(text(0, y + 4, f"{row}  {results.rows[row]}", size=10.5))
        parts.append(line(at(min(1, *(r for r, _ in found))), y, at(max(found)[0]), y, 0.6))
        parts += [mark(peer, at(ratio), y) for ratio, peer in sorted(found, reverse=True)]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 24}" width="{WIDTH}" '
        f'font-family="system-ui, sans-serif" fill="{GREY}" role="img" '
        f'aria-label="Times as long as recurrent, one thread, by row and peer">\n{body}\n</svg>\n'
    )
