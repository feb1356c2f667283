"""A bar for each case and peer: what Mailmesh needs of what the peer needs (CPU, time or memory), on a logarithmic scale with 1 in
the middle. To the left of it Mailmesh needs less."""
import math
from xml.sax.saxutils import escape

LEFT, MIDDLE, HALF, ROW = 470, 760, 260, 16
# The scale ends at a hundredth and at a hundredfold.
DECADES = 2
COLOURS = {"mdbox": "#4878a8", "sdbox": "#88a8c8"}
NAMES = {"cpu_ms": "CPU", "p50_ms": "time", "kib": "memory"}


def _x(ratio):
    return MIDDLE + HALF * max(-1.0, min(1.0, math.log10(ratio) / DECADES))


def _bars(cases, ratio_of):
    """(label, peer, ratio) in the order of the table."""
    for done in cases:
        for side in done["sides"]:
            value = ratio_of(done, side, done["bar"])
            if value:
                yield f"{done['title']} ({NAMES[done['bar']]})", side, value


def svg(cases, ratio_of):
    """`ratio_of(case, side, metric)`: ours by theirs, or None."""
    bars = list(_bars(cases, ratio_of))
    height = 60 + ROW * len(bars)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="1080" height="{height}" font-family="sans-serif" font-size="11">',
             '<rect width="100%" height="100%" fill="white"/>',
             '<text x="10" y="20" font-size="14">What Mailmesh needs of what Postfix and Dovecot need (1: the same; left: less)</text>']
    for tick in (0.01, 0.1, 0.5, 1, 2, 10, 100):
        x = _x(tick)
        parts += [f'<line x1="{x:.1f}" y1="42" x2="{x:.1f}" y2="{height - 8}" stroke="{"#000" if tick == 1 else "#ddd"}"/>',
                  f'<text x="{x:.1f}" y="38" text-anchor="middle">{tick:g}</text>']
    before = None
    for i, (label, side, value) in enumerate(bars):
        y = 46 + i * ROW
        start, end = sorted((MIDDLE, _x(value)))
        if label != before:
            parts.append(f'<text x="{LEFT}" y="{y + 10}" text-anchor="end">{escape(label[:78])}</text>')
        parts += [f'<rect x="{start:.1f}" y="{y}" width="{end - start:.1f}" height="{ROW - 4}" fill="{COLOURS.get(side, "#888")}"/>',
                  f'<text x="{1030}" y="{y + 10}">{value:.2f} {escape(side)}</text>']
        before = label
    return "\n".join([*parts, "</svg>"]) + "\n"
