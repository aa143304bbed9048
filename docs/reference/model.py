# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""The public headers as data: read from Doxygen's XML, from examples.c beside this file, and held to what every entry must have.

Texts are paragraphs of plain text in which `code` stands between backquotes; a paragraph that is a list of lines is a block of code,
one that begins with "- " is an item.
"""
import dataclasses
import pathlib
import re
import textwrap
import xml.etree.ElementTree as ElementTree

ORDER = ["base", "version", "values", "client", "provision", "check", "limiter", "redis", "transport", "poll", "libuv", "libevent", "glib",
         "test"]
ADAPTERS = {"poll": "", "libuv": "libuv", "libevent": "libevent_core", "glib": "glib-2.0"}  # and what their loop is for pkg-config


@dataclasses.dataclass
class Text:
    """A documentation comment."""

    brief: str
    paragraphs: list
    params: dict
    retvals: dict
    returns: str
    threads: str
    since: str


@dataclasses.dataclass
class Member:
    name: str
    type: str
    args: str
    text: Text


@dataclasses.dataclass
class Entry:
    """A function, a callback, a struct or a handle."""

    kind: str
    name: str
    header: str
    text: Text
    line: int
    type: str = ""
    params: list = dataclasses.field(default_factory=list)  # (type, name, behind the name)
    members: list = dataclasses.field(default_factory=list)
    inits: bool = False
    example: str = ""


@dataclasses.dataclass
class Header:
    name: str
    path: str
    text: Text
    entries: list
    constants: list  # groups: (Text, [(name, value, Text)])


def inline(node):
    """The text of an element, code between backquotes."""
    text = node.text or ""
    for child in node:
        inner = inline(child)
        if child.tag == "computeroutput":
            inner = f"`{inner}`"
        elif child.tag in ("emphasis", "bold"):
            raise ValueError(f"markup where none is meant: {inner!r}")
        elif child.tag == "sp":
            inner = " "
        elif child.tag in ("parameterlist", "simplesect", "itemizedlist", "programlisting"):
            inner = ""
        text += inner + (child.tail or "")
    return text


def clean(text):
    return re.sub(r"\s+", " ", text).strip()


def code_of(listing):
    return ["".join(clean_code(line)) for line in listing.iter("codeline")]


def clean_code(line):
    for part in line.iter():
        if part.tag == "sp":
            yield " "
        yield part.text or ""
        if part is not line:
            yield part.tail or ""


def read_text(node):
    brief = clean(" ".join(inline(p) for p in node.findall("briefdescription/para")))
    text = Text(brief, [], {}, {}, "", "", "")
    for para in node.findall("detaileddescription/para"):
        words = clean(inline(para))
        if words:
            text.paragraphs.append(words)
        for part in para:
            if part.tag == "itemizedlist":
                text.paragraphs += ["- " + clean(" ".join(inline(p) for p in item.findall("para"))) for item in part]
            elif part.tag == "programlisting":
                text.paragraphs.append(code_of(part))
            elif part.tag == "parameterlist":
                told = text.params if part.get("kind") == "param" else text.retvals
                for item in part:
                    name = item.find("parameternamelist/parametername")
                    told[clean(inline(name))] = (
                        name.get("direction") or "",
                        clean(" ".join(inline(p) for p in item.findall("parameterdescription/para"))),
                    )
            elif part.tag == "simplesect":
                words = clean(" ".join(inline(p) for p in part.findall("para")))
                if part.get("kind") == "return":
                    text.returns = words
                elif part.get("kind") == "since":
                    text.since = words
                elif part.get("kind") == "par" and part.findtext("title") == "Threads":
                    text.threads = words
    return text


def type_of(node):
    return re.sub(r" \*$", " *", clean(inline(node.find("type"))))


def read_struct(path, header):
    node = ElementTree.parse(path).find("compounddef")
    members = []
    for member in node.iter("memberdef"):
        args = member.findtext("argsstring") or ""
        members.append(Member(member.findtext("name"), type_of(member), args, read_text(member)))
    line = int(node.find("location").get("line"))
    return Entry("struct", node.findtext("compoundname"), header, read_text(node), line, members=members)


def read_function(member, header):
    params = []
    for param in member.findall("param"):
        name = param.findtext("declname")
        if name:
            params.append((type_of(param), name, param.findtext("array") or ""))
    text, line = read_text(member), int(member.find("location").get("line"))
    return Entry("function", member.findtext("name"), header, text, line, type_of(member), params)


def read_typedef(member, header):
    text, line = read_text(member), int(member.find("location").get("line"))
    args = member.findtext("argsstring") or ""
    if not args:
        return Entry("handle", member.findtext("name"), header, text, line, type_of(member))
    params = [re.match(r"(.*?)(\w+)$", part.strip()).groups() + ("",) for part in args.strip("()").split(",")]
    kind = type_of(member).split("(")[0].strip()
    return Entry("callback", member.findtext("name"), header, text, line, kind, params)


def read_constants(node):
    groups, flags = [], []
    for member in node.iter("memberdef"):
        if member.get("kind") == "enum":
            values = [(v.findtext("name"), v.findtext("initializer").lstrip("= "), read_text(v)) for v in member.iter("enumvalue")]
            groups.append((read_text(member), values))
        elif member.get("kind") == "define" and not member.findall("param") and member.findtext("initializer"):
            flags.append((member.findtext("name"), clean(inline(member.find("initializer"))), read_text(member)))
    flags = [f for f in flags if f[0].startswith("EMQX_TLS_") and f[0] != "EMQX_TLS_API"]
    if flags:
        groups.append((Text("Flags and sizes.", [], {}, {}, "", "", ""), flags))
    return groups


def read_header(xml, include, name):
    node = ElementTree.parse(xml / f"{name}_8h.xml").find("compounddef")
    entries = []
    for inner in node.findall("innerclass"):
        entries.append(read_struct(xml / f"{inner.get('refid')}.xml", name))
    structs = {e.name for e in entries}
    for member in node.iter("memberdef"):
        if member.get("kind") == "function":
            entries.append(read_function(member, name))
        elif member.get("kind") == "typedef" and member.findtext("name") not in structs | {"emqx_tls_code"}:
            entries.append(read_typedef(member, name))
    path = f"adapters/{name}.h" if name in ADAPTERS else f"{name}.h"
    source = (include / path).read_text(encoding="utf-8")
    for short in re.findall(r"^EMQX_TLS_INIT_\((\w+)\)", source, re.M):
        next(e for e in entries if e.name == f"emqx_tls_{short}").inits = True
    entries.sort(key=lambda e: e.line)
    return Header(name, f"emqxtls/{path}", read_text(node), entries, read_constants(node))


def read_examples(path):
    """The bodies of the functions example_NAME."""
    found = {}
    text = path.read_text(encoding="utf-8")
    for name, body in re.findall(r"^(?:static )?void example_(\w+)\(void\)\n\{\n(.*?)^\}\n", text, re.S | re.M):
        found[name] = textwrap.dedent(body).rstrip("\n")
    return found


def default_example(entry, header):
    """How it is set up; or the first example of its header that uses it, where that is all of the header."""
    if not entry.inits:
        blocks = ["\n".join(p) for p in header.text.paragraphs if isinstance(p, list)] if header.name in ADAPTERS else []
        return next((b for b in blocks if entry.name in b), "")
    short = entry.name.removeprefix("emqx_tls_")
    return f"{entry.name} {short};\n{entry.name}_init(&{short});"


def problems(headers, examples):
    """What is missing: the reader may rely on every entry being complete."""
    for header in headers:
        for entry in header.entries:
            name = f"{header.name}.h: {entry.name}"
            if not entry.text.brief:
                yield f"{name} has no description"
            if entry.kind in ("function", "callback"):
                told, real = set(entry.text.params), {p[1] for p in entry.params}
                for wrong in sorted(told ^ real):
                    yield f"{name}: the argument {wrong} is " + ("not there" if wrong in told else "not documented")
            if entry.kind == "function":
                if not entry.text.since or not entry.text.threads:
                    yield f"{name} lacks @since or @par Threads"
                if entry.type == "emqx_tls_code" and "EMQX_TLS_OK" not in entry.text.retvals:
                    yield f"{name} lists no codes"
                elif entry.type not in ("void", "emqx_tls_code") and not entry.text.returns:
                    yield f"{name} does not say what it returns"
                if not entry.example:
                    yield f"{name} has no example"
            for member in entry.members:
                if not member.text.brief:
                    yield f"{name}.{member.name} is not documented"
        for _, values in header.constants:
            for constant, _, text in values:
                if not text.brief:
                    yield f"{header.name}.h: {constant} is not documented"
    for name in sorted(set(examples) - {e.name for h in headers for e in h.entries}):
        yield f"examples.c: there is no {name}"


def read(xml, include):
    """All headers, in the order in which one reads them. Raises ValueError if something is missing."""
    xml, include = pathlib.Path(xml), pathlib.Path(include)
    names = {p.stem for p in include.rglob("*.h")} - {"emqxtls"}
    examples = read_examples(pathlib.Path(__file__).parent / "examples.c")
    headers = [read_header(xml, include, n) for n in sorted(names, key=lambda n: (ORDER + [n]).index(n))]
    for header in headers:
        for entry in header.entries:
            entry.example = examples.get(entry.name) or default_example(entry, header)
    missing = list(problems(headers, examples))
    if missing:
        raise ValueError("\n".join(missing))
    return headers
