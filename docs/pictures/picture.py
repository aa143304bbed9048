# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""A picture as SVG: boxes, arrows and words, in the reader's light or dark scheme."""
from xml.sax.saxutils import escape

STYLE = """
  .picture { --paper: #ffffff; --ink: #1f2933; --soft: #5b6875; --line: #8895a3; --calm: #e8eef5; --good: #d9efe1; --warn: #fdeccb;
             --bad: #f9d9d6; --mark: #1a6fb5; }
  @media (prefers-color-scheme: dark) {
    .picture { --paper: #161b22; --ink: #e3e8ee; --soft: #9fabb8; --line: #6b7785; --calm: #243140; --good: #1d4030; --warn: #4d3d16;
               --bad: #55292a; --mark: #6cb2f0; }
  }
  :root[data-scheme="light"] .picture { --paper: #ffffff; --ink: #1f2933; --soft: #5b6875; --line: #8895a3; --calm: #e8eef5;
    --good: #d9efe1; --warn: #fdeccb; --bad: #f9d9d6; --mark: #1a6fb5; }
  :root[data-scheme="dark"] .picture { --paper: #161b22; --ink: #e3e8ee; --soft: #9fabb8; --line: #6b7785; --calm: #243140;
    --good: #1d4030; --warn: #4d3d16; --bad: #55292a; --mark: #6cb2f0; }
  .picture text { font: 14px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
  .picture text.soft { fill: var(--soft); font-size: 12.5px; }
  .picture text.title { font-weight: 600; }
  .picture .paper { fill: var(--paper); }
  .picture .line { stroke: var(--line); stroke-width: 1.5; fill: none; }
  .picture .dash { stroke-dasharray: 5 4; }
  .picture .mark { stroke: var(--mark); stroke-width: 2; fill: none; }
  .picture .dot { fill: var(--mark); }
  .picture .tip { fill: var(--line); }
"""
# In two pieces, so that no tool takes it for the licence of this file.
LICENCE = "Copyright 2026 the libemqxtls authors. SPDX-License" + "-Identifier: MIT"
FILLS = {"calm", "good", "warn", "bad", "paper"}


class Picture:
    def __init__(self, width, height, title, about):
        self.size, self.title, self.about, self.parts = (width, height), title, about, []

    def text(self, x, y, words, kind="", anchor="start"):
        self.parts.append(f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>')

    def box(self, x, y, width, height, lines, fill="calm"):
        """Lines are centred; the first is the title where there are more."""
        assert fill in FILLS
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" class="line" style="fill: var(--{fill})"/>')
        lines = [lines] if isinstance(lines, str) else lines
        top = y + height / 2 - 9 * (len(lines) - 1) + 5
        for i, line in enumerate(lines):
            kind = "title" if i == 0 and len(lines) > 1 else "soft" if i else ""
            self.text(x + width / 2, top + 18 * i, line, kind, "middle")

    def bar(self, x, y, width, height, fill, words=""):
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" class="line" style="fill: var(--{fill})"/>')
        if words:
            self.text(x + width / 2, y + height / 2 + 4.5, words, "soft", "middle")

    def line(self, *points, kind="line"):
        path = " ".join(f"{x},{y}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" class="{kind}"/>')

    def arrow(self, *points, words="", kind="line", shift=(0, -6), anchor="middle"):
        self.line(*points, kind=kind)
        (x0, y0), (x, y) = points[-2], points[-1]
        dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
        self.parts.append(f'<path d="M{x},{y} l{-8 * dx - 4 * dy},{-8 * dy - 4 * dx} l{8 * dy},{8 * dx} z" class="tip"/>')
        if words:
            (ax, ay), (bx, by) = points[0], points[1]
            self.text((ax + bx) / 2 + shift[0], (ay + by) / 2 + shift[1], words, "soft", anchor)

    def dot(self, x, y):
        self.parts.append(f'<circle cx="{x}" cy="{y}" r="4.5" class="dot"/>')

    def svg(self):
        width, height = self.size
        return "\n".join([
            f"<!-- {LICENCE} -->", "<!-- Made by docs/pictures/draw.py: change that, and run it. -->",
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="picture" role="img">',
            f"<title>{escape(self.title)}</title>", f"<desc>{escape(self.about)}</desc>", f"<style>{STYLE}</style>",
            f'<rect width="{width}" height="{height}" class="paper"/>', *self.parts, "</svg>", ""])
