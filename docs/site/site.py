#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""site.py XML INCLUDE VERSION OUTDIR - the project's pages as a site of plain files: guide, reference, command, with navigation and
a search that needs no server. Every link and anchor inside it is followed; one that leads nowhere is an error."""
import html
import html.parser
import json
import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "reference")]

import man  # noqa: E402
import model  # noqa: E402
import pages  # noqa: E402
import reference  # noqa: E402

TEMPLATE = (HERE / "page.html").read_text(encoding="utf-8")


class Site:
    def __init__(self, version):
        self.version, self.made, self.navigation, self.sources = version, {}, list(pages.navigation(ROOT)), {}
        for _, entries in self.navigation:
            for name, _, source in entries:
                if source:
                    self.sources[source] = f"{name}.html"

    def links(self, body, source):
        """Links between sources become links between pages; those to other files of the tree name the file."""
        folder = (ROOT / source).parent

        def place(match):
            kind, target = match[1], html.unescape(match[2])
            if re.match(r"[a-z]+:|#", target):
                return match[0]
            name, _, anchor = target.partition("#")
            path = (folder / name).resolve().relative_to(ROOT).as_posix()
            if path in self.sources:
                return f'{kind}="{self.sources[path]}{"#" + anchor if anchor else ""}"'
            if path.startswith("docs/pictures/"):
                return f'{kind}="{path.removeprefix("docs/")}"'
            if path.startswith("include/emqxtls"):
                header = pathlib.PurePosixPath(path).stem
                return f'{kind}="{"reference" if header == "emqxtls" else "ref-" + header}.html"'
            return f'{kind}="files/{path}.html"' if (ROOT / path).is_file() else match[0]

        def described(match):
            there = self.places.get(match[1])
            return f'<a href="{there}">{match[0]}</a>' if there else match[0]

        body = re.sub(r'(href|src)="([^"]+)"', place, body)
        body = re.sub(r'(?<!">)<code>((?:emqx_tls|EMQX_TLS)_\w+)</code>', described, body)
        for path in re.findall(r'href="files/([^"]+)\.html"', body):
            self.file(path)
        return self.pictures(body)

    def pictures(self, body):
        """Inside the page, so that they follow its scheme."""
        def inline(match):
            svg = (ROOT / "docs" / match[1]).read_text(encoding="utf-8")
            return f'<figure>{svg[svg.index("<svg"):]}</figure>'

        return re.sub(r'<p><img alt="[^"]*" src="(pictures/[^"]+)" ?/?></p>', inline, body)

    def file(self, path):
        """A file of the tree that a page links to: an example, a script."""
        name = f"files/{path}.html"
        if name not in self.made:
            self.made[name] = None
            text = (ROOT / path).read_text(encoding="utf-8")
            self.page(name, path, f"<h1>{path}</h1><pre><code>{html.escape(text)}</code></pre>")

    def menu(self, name):
        up, out = "../" * name.count("/"), []
        for section, entries in self.navigation:
            out.append(f"<h2>{section}</h2><ul>")
            for page, title, _ in entries:
                here = ' aria-current="page"' if f"{page}.html" == name else ""
                out.append(f'<li><a href="{up}{page}.html"{here}>{html.escape(title)}</a></li>')
                for header in self.headers if page == "reference" else ():
                    here = ' aria-current="page"' if f"ref-{header}.html" == name else ""
                    title = html.escape(reference.TITLES.get(header, header))
                    out.append(f'<li class="below"><a href="{up}ref-{header}.html"{here}>{title}</a></li>')
            out.append("</ul>")
        return "".join(out)

    def page(self, name, title, body):
        body = re.sub(r"<table", '<div class="wide"><table', body).replace("</table>", "</table></div>")
        body = re.sub(r'<h([2-3]) id="([^"]+)">(.*?)</h\1>', r'<h\1 id="\2">\3 <a class="here" href="#\2">#</a></h\1>', body)
        level = 3 if name.startswith("ref-") else 2
        headings = re.findall(rf'<h{level} id="([^"]+)">(.*?) <a class="here"', body)
        contents = "".join(f'<li><a href="#{i}">{re.sub("<[^>]+>", "", h)}</a></li>' for i, h in headings)
        values = {"title": html.escape(re.sub("<[^>]+>", "", title)), "up": "../" * name.count("/"), "menu": self.menu(name),
                  "version": self.version, "contents": f"<h2>On this page</h2><ul>{contents}</ul>" if len(headings) > 2 else "",
                  "body": body}
        self.made[name] = re.sub(r"\{\{(\w+)\}\}", lambda m: values[m[1]], TEMPLATE)

    def write(self, out):
        shutil.rmtree(out, ignore_errors=True)
        for name, text in self.made.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(text, encoding="utf-8")
        for name in ("style.css", "site.js"):
            shutil.copy(HERE / name, out / name)
        (out / "index.js").write_text("const PAGES = " + json.dumps(list(self.index()), ensure_ascii=False) + ";\n", encoding="utf-8")

    def index(self):
        """For the search: a row for each heading, with what stands under it."""
        for name, text in self.made.items():
            if name.startswith("files/"):
                continue
            title = html.unescape(re.search(r"<title>(.*?) · ", text)[1])
            body = text[text.index("<main"):text.index("</main>")]
            for part in re.split(r"(?=<h[1-4])", body):
                heading = re.match(r'<h[1-4](?: id="([^"]+)")?[^>]*>(.*?)</h[1-4]>', part, re.S)
                if not heading or heading[0].startswith("<h4"):
                    continue
                plain = html.unescape(re.sub(r"\s+", " ", re.sub(r"<svg.*?</svg>|<[^>]+>", " ", part[heading.end():], flags=re.S)))
                words = html.unescape(re.sub(r" #$", "", re.sub("<[^>]+>", "", heading[2]).strip()))
                yield [name + (f"#{heading[1]}" if heading[1] else ""), title, words, plain.strip()[:4000]]


class Anchors(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links, self.twice = set(), [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            if attrs["id"] in self.ids:
                self.twice.append(attrs["id"])
            self.ids.add(attrs["id"])
        for kind in ("href", "src"):
            if attrs.get(kind):
                self.links.append(attrs[kind])


def wrong_links(out):
    pages_read = {}
    for path in sorted(out.rglob("*.html")):
        pages_read[path] = Anchors()
        pages_read[path].feed(path.read_text(encoding="utf-8"))
    count = 0
    for path, anchors in pages_read.items():
        name = path.relative_to(out)
        yield from (f"{name}: the anchor {a} is there twice" for a in anchors.twice)
        for link in anchors.links:
            if re.match(r"[a-z]+:", link):
                continue
            count += 1
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            if not target.exists():
                yield f"{name}: {link} does not exist"
            elif anchor and anchor not in pages_read[target].ids:
                yield f"{name}: {link}: there is no such anchor"
    if count < 300:
        yield f"found only {count} links: this script reads the pages wrongly"


def main():
    xml, include, version, out = sys.argv[1], sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])
    headers = model.read(xml, include)
    site = Site(version)
    site.headers = [h.name for h in headers]
    told = reference.Reference(headers)
    site.places = told.places
    for _, entries in site.navigation:
        for name, title, source in entries:
            if source is None:
                site.page("reference.html", title, told.overview())
                continue
            text = (ROOT / source).read_text(encoding="utf-8")
            body = pages.from_scdoc(text) if source.endswith(".scd") else pages.from_markdown(text)
            site.page(f"{name}.html", title, site.links(body, source))
    for header in headers:
        title = reference.TITLES.get(header.name, header.name)
        site.page(f"ref-{header.name}.html", title, told.header(header, man.prototype, man.definition))
    site.write(out)
    wrong = list(wrong_links(out))
    print("\n".join(wrong + [f"{len(site.made)} pages in {out}"]))
    sys.exit(bool(wrong))


main()
