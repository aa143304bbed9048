#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""abi.py FACTS FFI JSON HEADER... - describes the ABI for other languages, from the public headers alone:

- FFI: the headers without macros, inlines and includes, for cffi, LuaJIT and their like
- JSON: structs with offsets and sizes, enumerations, callbacks, functions with their arguments, what may be NULL, what is borrowed
  until when, which codes come back, which thread

FACTS are NAME=VALUE pairs in one argument: version, soname, and size and alignment of the types of the machine that it is built for.
What a header says in a way that is not understood is an error.
"""
import json
import re
import sys


class Unclear(Exception):
    pass


def words(comment):
    """A documentation comment as one line of text."""
    lines = (re.sub(r"^\s*\*? ?", "", line) for line in comment.split("\n"))
    return re.sub(r"\s+", " ", " ".join(lines)).strip()


def read_tags(comment):
    """(text, {argument: (direction, text)}, {code: text}, return, threads, since) of a function's comment."""
    lines = [re.sub(r"^\s*\*? ?", "", line) for line in comment.split("\n")]
    parts = [["", "", ""]]
    for line in lines:
        found = re.match(r"@(param(?:\[out\])?|retval|return|par|since|code|endcode)\s*(.*)", line)
        if found:
            parts.append([found[1], found[2], ""])
        else:
            parts[-1][2] += " " + line
    text, arguments, codes, returns, threads, since = "", {}, {}, "", "", ""
    for tag, head, rest in parts:
        said = re.sub(r"\s+", " ", f"{head} {rest}").strip()
        if tag.startswith("param"):
            name, _, said = said.partition(" ")
            arguments[name] = ("out" if "out" in tag else "in", said)
        elif tag == "retval":
            name, _, said = said.partition(" ")
            codes[name] = said
        elif tag == "return":
            returns = said
        elif tag == "par":
            threads = said.removeprefix("Threads ")
        elif tag == "since":
            since = said
        elif tag == "":
            text = said
    return text, arguments, codes, returns, threads, since


def split_arguments(text):
    depth, parts = 0, [""]
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [] if text.strip() in ("", "void") else [re.sub(r"\s+", " ", p).strip() for p in parts]


def declarator(text):
    """("const char *", "name", "[64]") of a member or argument."""
    found = re.match(r"(.*?[\s*])(\w+)(\[\w+\])?$", text)
    if not found:
        raise Unclear(f"the declaration {text!r}")
    return found[1].strip(), found[2], found[3] or ""


class Headers:
    def __init__(self, facts):
        self.facts = facts
        self.types, self.handles, self.enumerations, self.structs, self.callbacks, self.functions = {}, {}, {}, {}, {}, {}
        self.constants = {}
        self.ffi = []

    def read(self, path):
        text = open(path, encoding="utf-8").read()
        text = re.sub(r"#ifdef __cplusplus\n.*?#endif\n", "", text, flags=re.S)
        self.constants.update(re.findall(r"^#define (EMQX_TLS_\w+) (\d+)$", text, re.M))
        text = re.sub(r"^#(?:\\\n|[^\n])*\n", "", text, flags=re.M)
        self.name = path.rsplit("/", 1)[-1]
        at, comment = 0, ""
        while at < len(text):
            rest = text[at:]
            found = re.match(r"\s+|/\*\*(?!<)(.*?)\*/|/\*.*?\*/", rest, re.S)
            if found:
                comment = found[1] if found[1] else comment
                at += found.end()
                continue
            at += self.declaration(rest, comment)
            comment = ""

    def declaration(self, text, comment):
        """Takes in what stands at the beginning; returns how long it is."""
        for pattern, take in (
            (r"EMQX_TLS_INIT_\((\w+)\)\n", self.take_init),
            (r"typedef (\w+) (emqx_tls_\w+);", self.take_type),
            (r"typedef struct (emqx_tls_\w+) \1;", self.take_handle),
            (r"typedef struct (emqx_tls_\w+) \{(.*?)\n\} \1;", self.take_struct),
            (r"typedef ([\w *]+?)\(\*(emqx_tls_\w+)\)\((.*?)\);", self.take_callback),
            (r"enum (emqx_tls_\w+) \{(.*?)\n\};", self.take_enumeration),
            (r"EMQX_TLS_API (EMQX_TLS_NODISCARD )?([\w *]+?)\s*\b(emqx_tls_\w+)\((.*?)\);", self.take_function),
        ):
            found = re.match(pattern, text, re.S)
            if found:
                take(found, comment)
                return found.end()
        raise Unclear(f"{self.name}: {text[:80]!r}")

    # -- declarations --

    def take_init(self, found, comment):
        name = f"emqx_tls_{found[1]}"
        self.structs[name]["init"] = f"{name}_init_size"
        self.ffi.append(f"void {name}_init_size(struct {name} *p, size_t caller_size);")

    def take_type(self, found, comment):
        self.types[found[2]] = {"is": found[1], "text": words(comment)}
        self.ffi.append(found[0])

    def take_handle(self, found, comment):
        self.handles[found[1]] = words(comment)
        self.ffi.append(found[0])

    def take_enumeration(self, found, comment):
        values = {}
        for before, name, value, behind in re.findall(r"(?:/\*\*(?!<)([^*]*(?:\*(?!/)[^*]*)*)\*/\s*)?(EMQX_TLS_\w+) = (\w+),?"
                                                      r"(?:\s*/\*\*<([^*]*(?:\*(?!/)[^*]*)*)\*/)?", found[2]):
            values[name] = {"value": int(value, 0), "text": words(before or behind)}
        self.enumerations[found[1]] = {"text": words(comment), "flags": "0x" in found[2], "values": values}
        self.ffi.append("enum " + found[1] + " { " + ", ".join(n + " = " + str(v["value"]) for n, v in values.items()) + " };")

    def take_callback(self, found, comment):
        text, arguments, *_ = read_tags(comment)
        self.callbacks[found[2]] = self.callback(found[2], found[1].strip(), found[3], text, arguments)
        self.ffi.append(re.sub(r"\s+", " ", found[0]))

    def callback(self, name, returns, arguments, text, told):
        said = re.search(r"One that throws ((?:just )?returns?[^.;:]*)[.;:]", text)
        if not said:
            raise Unclear(f"{self.name}: what {name} has to return where it throws")
        return {
            "returns": returns,
            "arguments": [dict(zip(("type", "name"), declarator(a)[:2]), text=told.get(declarator(a)[1], ("", ""))[1])
                          for a in split_arguments(arguments)],
            "throws": said[1],
            "text": text,
        }

    def take_struct(self, found, comment):
        name, body = found[1], found[2]
        members, offset, largest, plain = [], 0, 1, []
        for before, code, behind in re.findall(r"(?:/\*\*(?!<)([^*]*(?:\*(?!/)[^*]*)*)\*/\s*)?([a-z][^;/]*);"
                                               r"(?:\s*/\*\*<([^*]*(?:\*(?!/)[^*]*)*)\*/)?", body):
            code = re.sub(r"\s+", " ", code)
            text = words(before or behind)
            pointer = re.match(r"([\w *]+?)\(\*(\w+)\)\((.*)\)$", code)
            member = {"text": text}
            if pointer:
                member.update(name=pointer[2], type="callback")
                if name == "emqx_tls_exchange":  # the library's own, for a transport to call
                    text += " One that throws just returns."
                member["callback"] = self.callback(f"{name}.{pointer[2]}", pointer[1].strip(), pointer[3], text, {})
                size = align = self.facts["pointer"]
            else:
                kind, member["name"], array = declarator(code)
                count = array.strip("[]")
                count = int(self.constants.get(count, count)) if count else 1
                size, align = self.size_of(kind)
                size *= count
                member["type"] = kind + (f"[{count}]" if array else "")
                code = re.sub(r"\[\w+\]$", f"[{count}]", code)
            offset += -offset % align
            member.update(offset=offset, size=size)
            offset += size
            largest = max(largest, align)
            members.append(member)
            for constant, value in self.constants.items():
                code = code.replace(constant, value)
            plain.append(f"    {code};\n")
        self.structs[name] = {"text": words(comment.split("@")[0]), "header": self.name, "size": offset + -offset % largest,
                              "init": None, "members": members}
        self.ffi.append(f"typedef struct {name} {{\n{''.join(plain)}}} {name};")

    def size_of(self, kind):
        f = self.facts
        if kind.endswith("*") or kind in self.callbacks:
            return f["pointer"], f["pointer"]
        kind = self.types[kind]["is"] if kind in self.types else kind
        sizes = {"char": (1, 1), "uint32_t": (4, 4), "int32_t": (4, 4), "int": (f["int"], f["int"]), "size_t": (f["size_t"],) * 2,
                 "uint64_t": (8, f["align64"]), "int64_t": (8, f["align64"])}
        if kind not in sizes:
            raise Unclear(f"{self.name}: the type {kind}")
        return sizes[kind]

    def take_function(self, found, comment):
        check, returns, name, arguments = found[1], found[2].strip(), found[3], found[4]
        text, told, codes, returned, threads, since = read_tags(comment)
        if not threads or (returns == "emqx_tls_code" and not codes):
            raise Unclear(f"{self.name}: {name} does not tell its threads or codes")
        out = []
        for one in split_arguments(arguments):
            kind, argument, _ = declarator(one)
            if argument not in told:
                raise Unclear(f"{self.name}: {name} does not tell of {argument}")
            out.append(self.argument(name, kind, argument, *told[argument]))
        self.functions[name] = {"header": self.name, "since": since, "text": text, "returns": returns, "returned": returned,
                                "must_check": bool(check), "codes": codes, "threads": threads, "arguments": out}
        self.ffi.append(f"{returns}{'' if returns.endswith('*') else ' '}{name}({', '.join(split_arguments(arguments)) or 'void'});")

    @staticmethod
    def argument(function, kind, name, direction, text):
        one = {"name": name, "type": kind, "direction": direction, "text": text}
        if not kind.endswith("*") and not kind.endswith("_fn"):
            return one
        one["null"] = bool(re.search(r"\b[Mm]ay be NULL|\bNULL: |, else NULL\b|takes NULL", text))
        if direction == "out":
            one["borrowed"] = "filled before the call returns"
        elif function.endswith(("_free", "_unref")):
            one["borrowed"] = "the call takes it back"
        elif name == "user" or kind.endswith("_fn"):
            one["borrowed"] = "until done has returned"
        elif re.search(r"\b[Cc]opied\b", text) and "Borrowed" not in text:
            one["borrowed"] = "not: it is copied"
        else:
            one["borrowed"] = "until the call returns"
        return one


def main():
    facts = dict(pair.split("=", 1) for pair in sys.argv[1].split())
    numbers = {k: int(v) for k, v in facts.items() if v.isdigit()}
    headers = Headers(numbers)
    try:
        for path in sys.argv[4:]:
            headers.read(path)
    except Unclear as e:
        sys.exit(f"abi.py does not understand {e}")
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        f.write("/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT\n *\n * The public headers of libemqxtls for FFIs: no macros, no inlines, no"
                " includes. Made from them by abi.py. */\n")
        f.write("\n".join(headers.ffi) + "\n")
    with open(sys.argv[3], "w", encoding="utf-8") as f:
        json.dump({"library": "libemqxtls", "version": facts["version"], "soname": facts["soname"], "machine": numbers,
                   "types": headers.types, "handles": headers.handles, "enumerations": headers.enumerations,
                   "structs": headers.structs, "callbacks": headers.callbacks, "functions": headers.functions}, f, indent=1)
        f.write("\n")


main()
