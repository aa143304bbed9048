# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""Which pages the site has, in the order of its navigation, and how Markdown and man pages become HTML."""
import html
import re

import markdown

# (section, [(page, title in the navigation, source)])
NAVIGATION = [
    ("Begin", [
        ("index", "What it is", "README.md"),
        ("account", "Endpoint, key and ID", "docs/account.md"),
        ("guide", "Guide", "docs/guide.md"),
        ("troubleshooting", "Troubleshooting", "docs/troubleshooting.md"),
    ]),
    ("Use", [
        ("quota", "Quota", "docs/quota.md"),
        ("check", "Check", "docs/check.md"),
        ("renewals", "Renewals", "examples/hooks/README.md"),
        ("kubernetes", "Kubernetes", "examples/kubernetes/README.md"),
        ("fleets", "Fleets", "docs/fleets.md"),
        ("monitoring", "Monitoring", "docs/monitoring.md"),
        ("bindings", "Bindings", "docs/bindings.md"),
        ("gateways", "Gateways", "docs/gateways.md"),
        ("emulator", "Emulator", "docs/emulator.md"),
    ]),
    ("Reference", [
        ("reference", "All calls", None),
        ("emqxtls.1", "emqxtls", "docs/emqxtls.1.scd"),
        ("emqxtls-json.5", "emqxtls --json", "docs/emqxtls-json.5.scd"),
        ("emqxtls-emulator.1", "emqxtls-emulator", "docs/emqxtls-emulator.1.scd"),
    ]),
    ("Project", [
        ("architecture", "Architecture", "docs/architecture.md"),
        ("proof", "How it is proved", "docs/proof.md"),
        ("benchmarks", "Benchmarks", "docs/benchmarks.md"),
        ("packaging", "Packages", "docs/packaging.md"),
        ("security", "Security", "SECURITY.md"),
        ("threats", "Threat model", "docs/security.md"),
        ("contributing", "Contributing", "CONTRIBUTING.md"),
        ("changes", "Changes", "CHANGELOG.md"),
    ]),
]


def navigation(root):
    """Without the pages whose source this tree does not have."""
    for section, pages in NAVIGATION:
        yield section, [p for p in pages if p[2] is None or (root / p[2]).exists()]


def slug(heading, _separator="-"):
    """As code hosts make anchors, so that the links in the sources hold in both places."""
    heading = re.sub(r"[`*]|\[|\]\([^)]*\)", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def from_markdown(text):
    extensions = ["tables", "fenced_code", "toc", "sane_lists"]
    return markdown.markdown(text, extensions=extensions, extension_configs={"toc": {"slugify": slug}})


def _inline(text):
    text = html.escape(text.replace("\\*", "\0").replace("\\_", "\1"), quote=False)
    text = re.sub(r"\*([^*]+)\*", r"<b>\1</b>", text)
    text = re.sub(r"(?<![\w$/-])_([^_]+)_(?!\w)", r"<i>\1</i>", text)
    return text.replace("\0", "*").replace("\1", "_").replace("++", "<br>")


def from_scdoc(text):
    """The small language in which the man pages of the programs are written."""
    title, _, body = text.partition("\n")
    out, name = [], title.split("(")[0]
    out.append(f"<h1>{html.escape(title.strip())}</h1>")
    blocks = re.split(r"\n\s*\n", body.strip("\n"))
    for block in blocks:
        lines = block.split("\n")
        if block.startswith("#"):
            mark, heading = lines[0].split(" ", 1)
            level = len(mark) + 1
            out.append(f'<h{level} id="{slug(heading)}">{html.escape(heading.capitalize())}</h{level}>')
            lines = lines[1:]
            if not lines:
                continue
        terms = [line for line in lines if not line.startswith("\t")]
        told = [line[1:] for line in lines if line.startswith("\t")]
        if terms and told:
            out.append(f"<dl><dt>{_inline(' '.join(terms))}</dt><dd>{_inline(' '.join(told))}</dd></dl>")
        elif told:
            code = "\n".join(line.rstrip("+") for line in told)
            out.append(f"<pre><code>{html.escape(code.replace('*', '').replace(chr(92), ''))}</code></pre>")
        elif all(line.rstrip().endswith("++") or i == len(lines) - 1 for i, line in enumerate(lines)) and len(lines) > 1:
            out.append(f"<p>{_inline(' '.join(lines))}</p>")
        else:
            out.append(f"<p>{_inline(' '.join(lines))}</p>")
    return "\n".join(out).replace(f"<p>{name} - ", f"<p><b>{name}</b>: ")
