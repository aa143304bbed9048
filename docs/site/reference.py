# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""The public headers as HTML: a page for each, and one that lists all."""
import html
import re

TITLES = {
    "base": "Codes, errors, clock, allocator", "version": "Versions and features", "values": "Requests and status", "client": "Clients and the four calls",
    "provision": "Ensure, wait, remove, probe", "check": "The local check", "limiter": "The quota", "redis": "The quota in Redis",
    "transport": "Transports", "poll": "In a loop by poll or epoll", "libuv": "In a libuv loop", "libevent": "In a libevent loop",
    "glib": "In a GLib loop", "test": "For tests",
}
OF_STATUS = re.compile(r"`([^`]+)`|\b(emqx_tls_\w+|EMQX_TLS_[A-Z_0-9]+)\b")


class Reference:
    def __init__(self, headers):
        self.headers, self.places = headers, {}
        for header in headers:
            for entry in header.entries:
                self.places[entry.name] = f"ref-{header.name}.html#{entry.name}"
                if entry.inits:
                    for suffix in ("_init", "_init_size"):
                        self.places[entry.name + suffix] = f"ref-{header.name}.html#{entry.name}"
            for _, values in header.constants:
                for name, _, _ in values:
                    self.places[name] = f"ref-{header.name}.html#{name}"

    def words(self, text):
        """Prose: code marked, names linked to where they are described."""
        out, last = "", 0
        for found in OF_STATUS.finditer(text):
            out += html.escape(text[last:found.start()], quote=False)
            code, name = found.groups()
            place = self.places.get(name or code)
            shown = f"<code>{html.escape(code or name, quote=False)}</code>"
            out += f'<a href="{place}">{shown}</a>' if place else shown
            last = found.end()
        return out + html.escape(text[last:], quote=False)

    def paragraphs(self, texts):
        out, items = [], []
        for text in [*texts, None]:
            if isinstance(text, str) and text.startswith("- "):
                items.append(f"<li>{self.words(text[2:])}</li>")
                continue
            if items:
                out.append("<ul>" + "".join(items) + "</ul>")
                items = []
            if isinstance(text, list):
                out.append(self.code("\n".join(text)))
            elif text:
                out.append(f"<p>{self.words(text)}</p>")
        return "\n".join(out)

    def code(self, text):
        linked = re.sub(r"\bemqx_tls_\w+\b", lambda m: f'<a href="{self.places[m[0]]}">{m[0]}</a>' if m[0] in self.places else m[0],
                        html.escape(text, quote=False))
        return f"<pre><code>{linked}</code></pre>"

    def table(self, rows, kind):
        return f'<table class="{kind}">' + "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in rows) + "</table>"

    def entry(self, entry, lines):
        out = [f'<section class="entry"><h3 id="{entry.name}"><code>{entry.name}</code></h3>']
        if entry.kind != "handle":
            out.append(self.code("\n".join(lines)))
        first, rest = entry.text.brief, entry.text.paragraphs
        if rest and isinstance(rest[0], str) and not rest[0].startswith("- "):
            first, rest = f"{first} {rest[0]}", rest[1:]
        out.append(self.paragraphs([first, *rest]))
        if entry.text.params:
            out += ["<h4>Arguments</h4>", self.table(
                [(f"<code>{n}</code>", ("Result. " if d == "out" else "") + self.words(t)) for n, (d, t) in entry.text.params.items()],
                "told")]
        if entry.members:
            out += ["<h4>Members</h4>", self.table(
                [(f"<code>{m.name}</code>", self.words(" ".join([m.text.brief, *m.text.paragraphs]))) for m in entry.members], "told")]
        if entry.text.retvals:
            out += ["<h4>Returns</h4>", self.table(
                [(self.words(k).replace("<code>EMQX_TLS_", "<code>"), self.words(t))
                 for k, (_, t) in entry.text.retvals.items()], "told")]
        if entry.text.returns:
            out += ["<h4>Returns</h4>", f"<p>{self.words(entry.text.returns)}</p>"]
        if entry.text.threads:
            out += ["<h4>Threads</h4>", f"<p>{self.words(entry.text.threads)}</p>"]
        if entry.example:
            out += ["<h4>Example</h4>", self.code(entry.example)]
        if entry.text.since:
            out.append(f'<p class="since">Since {entry.text.since}</p>')
        return "\n".join(out + ["</section>"])

    def constants(self, header):
        out = []
        for text, values in header.constants:
            rows = [(f'<code id="{n}">{n}</code> = {html.escape(v)}', self.words(" ".join([t.brief, *t.paragraphs]))) for n, v, t in values]
            out += [self.paragraphs([text.brief, *text.paragraphs]), self.table(rows, "told")]
        return '<h2 id="constants">Constants</h2>' + "\n".join(out) if out else ""

    def header(self, header, prototype, definition):
        out = [f"<h1>{TITLES.get(header.name, header.name)}</h1>", f"<p><code>#include &lt;{header.path}&gt;</code></p>",
               self.paragraphs([header.text.brief, *header.text.paragraphs])]
        functions = [e for e in header.entries if e.kind in ("function", "callback")]
        others = [e for e in header.entries if e.kind in ("struct", "handle")]
        if functions:
            out.append('<h2 id="calls">Calls</h2>')
            out += [self.entry(e, prototype(e)) for e in functions]
        if others:
            out.append('<h2 id="types">Types</h2>')
            for e in others:
                inits = [f"void {e.name}_init({e.name} *p);", f"void {e.name}_init_size({e.name} *p, size_t caller_size);"]
                out.append(self.entry(e, definition(e) + ([""] + inits if e.inits else [])))
        return "\n".join(out + [self.constants(header)])

    def overview(self):
        out = ["<h1>All calls</h1>", "<p>The headers are the reference. These pages, and the man pages of section 3, are made of them.</p>"]
        for header in self.headers:
            out.append(f'<h2 id="{header.name}"><a href="ref-{header.name}.html">{TITLES.get(header.name, header.name)}</a></h2>')
            rows = [(f'<a href="{self.places[e.name]}"><code>{e.name}</code></a>', self.words(e.text.brief))
                    for e in header.entries if e.kind != "handle"]
            out.append(self.table(rows, "told"))
        return "\n".join(out)
