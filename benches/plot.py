"""Bar charts as SVG, with a logarithmic axis."""

import math
from html import escape

COLOURS = {
    "debian": "#8c8c8c",
    "ours": "#c8501e",
    "paho": "#7a9cc6",
    "rumqttc": "#5b8e7d",
    "floor": "#d8c690",
}
WIDTH, LEFT, RIGHT, TOP, BAR, GAP = 900, 270, 70, 56, 9, 10


def short(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def chart(title, groups, names, unit, marks=None):
    """`groups` is [(label, {peer: value})]; `marks` a value for each group, drawn as a line."""
    marks = marks or [None] * len(groups)
    shown = [value for _, values in groups for value in values.values() if value and value > 0]
    shown += [mark for mark in marks if mark]
    if not shown:
        return ""
    low = math.floor(math.log10(min(shown)))
    high = max(math.ceil(math.log10(max(shown))), low + 1)

    def x(value):
        return LEFT + (math.log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    peers = [peer for peer in names if any(peer in values for _, values in groups)]
    body = []
    y = TOP
    for (label, values), mark in zip(groups, marks):
        top = y
        for peer in peers:
            value = values.get(peer)
            if not value or value <= 0:
                continue
            body.append(
                f'<rect x="{LEFT}" y="{y}" width="{max(x(value) - LEFT, 1):.1f}" height="{BAR - 1}" fill="{COLOURS[peer]}"/>'
                f'<text x="{x(value) + 3:.1f}" y="{y + BAR - 2}" font-size="8">{short(value)}</text>'
            )
            y += BAR
        body.append(
            f'<text x="{LEFT - 6}" y="{(top + y) / 2 + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        )
        if mark:
            body.append(
                f'<line x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="{top - 3}" y2="{y + 2}" stroke="#000" stroke-width="1.5"/>'
            )
        y += GAP
    grid = []
    for power in range(low, high + 1):
        at = x(10**power)
        grid.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP - 6}" y2="{y}" stroke="#ddd"/>'
            f'<text x="{at:.1f}" y="{y + 12}" text-anchor="middle">{10**power:g}</text>'
        )
    legend = []
    at = LEFT
    for peer in peers:
        legend.append(
            f'<rect x="{at}" y="30" width="10" height="10" fill="{COLOURS[peer]}"/>'
            f'<text x="{at + 14}" y="39">{escape(names[peer])}</text>'
        )
        at += 30 + 7 * len(names[peer])
    if any(marks):
        legend.append(
            f'<line x1="{at + 5}" x2="{at + 5}" y1="28" y2="42" stroke="#000" stroke-width="1.5"/>'
            f'<text x="{at + 12}" y="39">target</text>'
        )
    height = y + 34
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            'font-family="sans-serif" font-size="11">',
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            f'<text x="{LEFT}" y="18" font-size="14">{escape(title)}</text>',
            *legend,
            *grid,
            *body,
            f'<text x="{WIDTH - RIGHT}" y="{y + 26}" text-anchor="end">{escape(unit)}</text>',
            "</svg>\n",
        ]
    )


def ratios(figures, names):
    groups = [
        (figure["label"], {peer: ratio for peer, ratio in figure["ratios"].items() if peer != "debian"})
        for figure in figures
    ]
    marks = [figure["target"] for figure in figures]
    return chart("How many times less CPU time than libmosquitto", groups, names, "times, logarithmic", marks)


def times(figures, names):
    def nanoseconds(figure):
        return {peer: value * (1000 if figure["unit"] == "µs" else 1) for peer, value in figure["medians"].items()}

    groups = [(figure["label"], nanoseconds(figure)) for figure in figures]
    return chart("CPU time of the client for one message", groups, names, "nanoseconds, logarithmic")
