#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""man.py XML INCLUDE VERSION OUTDIR - man pages, section 3, of the public headers: one for each function, callback and struct, and
libemqxtls(3) about all of them. The calls that set a struct up are on the struct's page."""
import pathlib
import re
import sys

import model

MODULES = {"redis": "emqxtls-redis", "test": "emqxtls-test", **{n: f"emqxtls {m}".strip() for n, m in model.ADAPTERS.items()}}
PUBLIC = {"redis": "emqxtls/redis.h", "test": "emqxtls/test.h", **{n: f"emqxtls/adapters/{n}.h" for n in model.ADAPTERS}}


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text)


def words(text):
    """Prose: `code` in bold, names of calls and constants too, a name that has a page with its section."""
    out = ""
    for part in re.split(r"(`[^`]+`|\bemqx_tls_\w+\b|\bEMQX_TLS_[A-Z_0-9]+\*?)", text):
        if part.startswith("`"):
            out += f"\\fB{escape(part[1:-1])}\\fP"
        elif re.match(r"emqx_tls_\w+$", part) or re.match(r"EMQX_TLS_", part):
            out += f"\\fB{escape(part)}\\fP"
        else:
            out += part.replace("\\", "\\e")
    return re.sub(r"^([.'])", r"\\&\1", out)


def code_block(lines):
    return [".PP", ".in +4n", ".EX"] + [escape(line) for line in lines] + [".EE", ".in"]


def paragraphs(texts):
    out = []
    for text in texts:
        if isinstance(text, list):
            out += code_block(text)
        elif text.startswith("- "):
            out += [".IP \\(bu 2", words(text[2:])]
        else:
            out += [".PP", words(text)]
    return out


def tagged(tag, text):
    return [".TP", f".B {escape(tag)}", words(text)]


def prototype(entry):
    """Lines of at most 78 columns, the arguments one below the other where they do not fit."""
    def part(param):
        kind, name, behind = param
        star = "" if kind.endswith("*") else " "
        return f"{kind.rstrip()}{star}{name}{behind}"

    if entry.kind == "callback":
        start = f"typedef {entry.type} (*{entry.name})("
    else:
        star = "" if entry.type.endswith("*") else " "
        start = f"{entry.type}{star}{entry.name}("
    parts = [part(p) for p in entry.params] or ["void"]
    whole = start + ", ".join(parts) + ");"
    if len(whole) <= 72:
        return [whole]
    return [start] + ["    " + p + ("," if i + 1 < len(parts) else ");") for i, p in enumerate(parts)]


def wrapped(line):
    """At most 74 columns, broken between arguments."""
    out = [""]
    for part in re.split(r"(?<=,) ", line):
        if out[-1] and len(out[-1]) + 1 + len(part) > 74:
            out.append(" " * 8 + part)
        else:
            out[-1] += (" " if out[-1] else "") + part
    return out


def definition(entry):
    def line(member):
        if member.type.endswith("(*"):
            return f"    {member.type[:-2].rstrip()} (*{member.name}{member.args};"
        star = "" if member.type.endswith("*") else " "
        return f"    {member.type}{star}{member.name}{member.args};"

    out = ["typedef struct {"]
    for member in entry.members:
        out += wrapped(line(member))
    return out + [f"}} {entry.name};"]


def constants_of(entry, groups):
    """The constants that an entry's comments name, one by one or as EMQX_TLS_X_*."""
    told = " ".join(
        [entry.text.brief, entry.text.returns, *[p for p in entry.text.paragraphs if isinstance(p, str)]]
        + [t for _, t in entry.text.params.values()]
        + [" ".join([m.text.brief, *m.text.paragraphs]) for m in entry.members]
    )
    starts = re.findall(r"\b(EMQX_TLS_[A-Z_]+_)\*", told)
    names = set(re.findall(r"\bEMQX_TLS_[A-Z_0-9]+\b", told))
    found = []
    for _, values in groups:
        for name, value, text in values:
            if re.match(r"EMQX_TLS_(OK|E_)", name):
                continue
            if name in names or any(name.startswith(s) for s in starts):
                found.append((f"{name} ({value})", " ".join([text.brief, *text.paragraphs])))
    return found


def head(name, brief, version):
    brief = brief.rstrip(".")
    return [
        ".\\\" Made from the public headers by docs/reference/man.py.",
        f".TH {name} 3 \"\" \"libemqxtls {version}\" \"libemqxtls\"",
        ".ad l",
        ".nh",
        ".SH NAME",
        f"{escape(name)} \\- {words(brief[0].lower() + brief[1:] if not brief.startswith('`') else brief)}",
    ]


def synopsis(entry, lines):
    public = PUBLIC.get(entry.header, "emqxtls/emqxtls.h")
    module = MODULES.get(entry.header, "emqxtls")
    return [".SH SYNOPSIS", ".nf", f".B #include <{public}>", ".PP"] + [f"\\fB{escape(line)}\\fP" for line in lines] + [
        ".fi", ".PP", f"Link with \\fBpkg\\-config \\-\\-cflags \\-\\-libs {escape(module)}\\fP."]


def description(entry):
    first, rest = entry.text.brief, entry.text.paragraphs
    if rest and isinstance(rest[0], str) and not rest[0].startswith("- "):
        first, rest = f"{first} {rest[0]}", rest[1:]
    return [".SH DESCRIPTION", words(first)] + paragraphs(rest)


def ending(entry, related, groups):
    out = []
    constants = constants_of(entry, groups)
    if constants:
        out.append(".SH CONSTANTS")
        for name, text in constants:
            out += tagged(name, text)
    if entry.text.threads:
        out += [".SH THREADS", words(entry.text.threads)]
    if entry.example:
        out += [".SH EXAMPLE"] + code_block(entry.example.split("\n"))[1:]
    if entry.text.since:
        out += [".SH HISTORY", f"Since libemqxtls {entry.text.since}."]
    pages = sorted(set(related) - {entry.name})
    out += [".SH SEE ALSO", ", ".join(f"\\fB{escape(p)}\\fP(3)" for p in [*pages, "libemqxtls"])]
    return out


def function_page(entry, version, groups, pages):
    out = head(entry.name, entry.text.brief, version) + synopsis(entry, prototype(entry)) + description(entry)
    if entry.text.params:
        out.append(".SH ARGUMENTS")
        for name, (direction, text) in entry.text.params.items():
            out += tagged(name, ("Result. " if direction == "out" else "") + text)
    retvals = {k: t for k, (_, t) in entry.text.retvals.items()}
    if retvals:
        out += [".SH RETURN VALUE", f"\\fBEMQX_TLS_OK\\fP (0): {words(retvals.pop('EMQX_TLS_OK'))}"]
        out += [".PP", "Otherwise one of the codes below, and \\fIerror\\fP says why." if "error" in entry.text.params
                else "Otherwise one of the codes below."]
        out += [".SH ERRORS", ".PD 0"]
        for name, text in retvals.items():
            out += tagged(name, text)
        out.append(".PD")
    else:
        out += [".SH RETURN VALUE", words(entry.text.returns or "None.")]
        if entry.kind == "function" and entry.header not in model.ADAPTERS:  # an adapter returns what its loop does
            out += [".SH ERRORS", "None."]
    text = " ".join(p for p in [entry.text.brief, *entry.text.paragraphs] if isinstance(p, str))
    related = {w for w in re.findall(r"\bemqx_tls_\w+", text + " " + " ".join(p[0] for p in entry.params)) if w in pages}
    return out + ending(entry, related, groups)


def struct_page(entry, version, groups, pages, users):
    inits = []
    if entry.inits:
        inits = ["", f"void {entry.name}_init({entry.name} *p);", f"void {entry.name}_init_size({entry.name} *p,",
                 "    size_t caller_size);"]
    out = head(entry.name, entry.text.brief, version) + synopsis(entry, definition(entry) + inits) + description(entry)
    if entry.inits:
        short = escape(entry.name)
        out += [".PP", f"\\fB{short}_init\\fP, for C and C++, or \\fB{short}_init_size\\fP, for bindings, sets \\fBsize\\fP and "
                "the defaults. A struct that was not set up is refused."]
    out.append(".SH MEMBERS")
    for member in entry.members:
        kind = "callback" if member.type.endswith("(*") else member.type + member.args
        out += tagged(member.name, " ".join([member.text.brief, *member.text.paragraphs]))
        out[-2] += f" \\fR({escape(kind)})\\fP"
    return out + ending(entry, users, groups)


def overview(headers, version):
    out = head("libemqxtls", "keeps the TLS certificate of EMQX Platform deployments right, inside the quota", version)
    out += [".SH SYNOPSIS", ".nf", ".B #include <emqxtls/emqxtls.h>", ".PP",
            "\\fBcc\\fP program.c $(\\fBpkg\\-config \\-\\-cflags \\-\\-libs emqxtls\\fP)", ".fi", ".SH DESCRIPTION",
            "The platform takes a deployment's certificate by four HTTPS calls. It allows an API key 60 reads and 6 writes in 60 "
            "minutes. The library checks a certificate before it is sent, writes only where something else is in place, never "
            "repeats a write that may have been carried out, and keeps count of the quota, in memory, in a file or in Redis."]
    for header in headers:
        brief = header.text.brief.rstrip(".")
        out += [f".SS {escape(brief)}", ".PD 0"]
        for entry in header.entries:
            if entry.kind != "handle":
                out += tagged(f"{entry.name}(3)", entry.text.brief)
        out.append(".PD")
    base = headers[0]
    out += [".SH STRUCTS"] + paragraphs(base.text.paragraphs)[1:]
    out += [".SH ERRORS", "The codes keep their numbers for ever.", ".PD 0"]
    for _, values in base.constants:
        for name, value, text in values:
            if re.match(r"EMQX_TLS_(OK|E_)", name):
                out += tagged(f"{name} ({value})", " ".join([text.brief, *text.paragraphs]))
    out += [".PD", ".SH SEE ALSO", "\\fBemqxtls\\fP(1), \\fBemqxtls\\-emulator\\fP(1)", ".PP",
            "The guide is installed in the documentation's folder."]
    return out


def write(folder, name, lines):
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    (folder / f"{name}.3").write_text(text, encoding="utf-8")


def main():
    xml, include, version, out = sys.argv[1:5]
    headers = model.read(xml, include)
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    groups = [g for h in headers for g in h.constants]
    entries = [e for h in headers for e in h.entries if e.kind != "handle"]
    pages = {e.name for e in entries}
    for entry in entries:
        if entry.kind == "struct":
            users = {e.name for e in entries if any(re.search(rf"\b{entry.name}\b", p[0]) for p in e.params)}
            if len(users) > 8:
                users = {u for u in users if u in ("emqx_tls_get", "emqx_tls_ensure", "emqx_tls_code_name")}
            write(folder, entry.name, struct_page(entry, version, groups, pages, users))
            for suffix in ("_init", "_init_size") if entry.inits else ():
                write(folder, entry.name + suffix, [f".so man3/{entry.name}.3"])
        else:
            write(folder, entry.name, function_page(entry, version, groups, pages))
    write(folder, "libemqxtls", overview(headers, version))


if __name__ == "__main__":
    main()
