#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""json_suite.py OUTPUT - writes the texts of tests/unit/wire/json_suite.c as a header of C.

A case's class is the first letter of its name: y must be taken, n is no JSON, r is good JSON that a
reply must not be (twice the same name, too deep, a number that no double holds, no object), i may be
either. Python's own reader is the judge: what it says of y, n and r is compared here.
"""
import json
import sys

FRAME = b'{"x": %s, "status": "running", "code": "E1"}'  # around a value

TAKEN = {
    "number": """0 -0 1 -1 123 1.5 -0.5 0.0 1e5 1E5 1e+5 1e-5 1.5e10 -1.5E-10 0e0 0E+1 -0.0 -0e-0 1e308 1e00005 5e-324 4.9e-324
        1.7976931348623157e308 1e-400 -1e-400 12345678901234567890 9223372036854775807 -9223372036854775808
        18446744073709551616 123456789.123456789 0.1000000000000000055511151231257827""".split()
    + ["9" * 100, "0." + "3" * 100],
    "string": [
        '""', '"a"', r'"\""', r'"\\"', r'"\/"', r'"\b"', r'"\f"', r'"\n"', r'"\r"', r'"\t"', r'"\u0041"', r'"\u00e9"', r'"\u20AC"',
        r'"\uFFFF"', r'"\ud83d\ude00"', r'"\uD834\uDD1E"', r'"\uDBFF\uDFFF"', r'"\ud800\udc00"', r'"\u0000"', r'"a\u0000b"',
        r'"\u001f"', r'"\\u0041"', r'"\u005c"', r'"\u0022"', r'"\\\""', '"é"', '"€"', '"😀"', '"\x7f"', '"\u0080"', '"\u2028\u2029"',
        '"\ufffe"', '"\uffff"', '"\U0010ffff"', '"\ufeff"', '"{[,:]}"', '"//"', '"' + "a" * 1000 + '"', '"' + "é" * 5000 + '"',
        '"' + r"\n" * 1000 + '"',
    ],
    "word": ["true", "false", "null"],
    "array": [
        "[]", "[ ]", "[1]", "[1,2]", "[[]]", "[[],[]]", "[null]", '["a",1,{},[true]]', "[ 1 , 2 ]", "[\n1\t,\r2]", "[" * 30 + "]" * 30,
        "[" + ",".join(["0"] * 2000) + "]",
    ],
    "object": [
        "{}", "{ }", '{"a":1}', '{"a":{}}', '{"":1}', '{" ":1}', '{"a":1,"b":2}', '{ "a" : 1 , "b" : 2 }', '{"\\u0061":1}', '{"\\"":1}',
        '{"é":"é"}', '{"a":1,"A":2}', '{"a":{"a":{"a":1}}}', '{"a":[{"a":1},{"a":1}]}', '{"a":' * 30 + "1" + "}" * 30,
    ],
}

BROKEN = {
    "number": """+1 .5 5. 01 -01 00 1e 1e+ 1e- 1.e1 .e1 - -- --1 +-1 0x10 1_000 NaN -NaN Infinity -Infinity inf nan 1a 1.2.3 1e1.5 1ee1
        0b1 0o7 1f 1L ١ １ 1e5e 0.e1 0e 9.e+ -.5 -a ++1 1+2 1'000 1e+-2 -0x1 1.5. 1e1e1 -1- 0..1""".split()
    + ["- 1", "1 2", "1. 5", "1 e5", "-\n1", "1\0", "0\0"],
    "string": [
        '"', '"a', 'a"', "'a'", '"\\', '"\\"', r'"\a"', r'"\v"', r"""'\''""", r'"\'"', r'"\x41"', r'"\0"', r'"\e"', r'"\U0041"', r'"\8"',
        r'"\ "', '"\\\n"', r'"\u"', r'"\u1"', r'"\u12"', r'"\u123"', r'"\u123g"', r'"\u 123"', r'"\u-123"', r'"\u+123"', r'"\u12\u34"',
        r'"\ud83d\u"', r'"\ud83d\ude0"', '"a" "b"', '"a"b', "a", "“a”", '"a\0b"', '"\0"', '\0"a"', r'\u0022a\u0022',
    ]
    + ['"%c"' % c for c in range(1, 0x20)],
    "bytes": [
        b'"\xff"', b'"\xfe"', b'"\x80"', b'"\xbf"', b'"\xc0\x80"', b'"\xc0\xaf"', b'"\xc1\xbf"', b'"\xe0\x80\xaf"', b'"\xe0\x9f\xbf"',
        b'"\xf0\x80\x80\xaf"', b'"\xf0\x8f\xbf\xbf"', b'"\xed\xa0\x80"', b'"\xed\xbf\xbf"', b'"\xed\xa0\xbd\xed\xb8\x80"',
        b'"\xf4\x90\x80\x80"', b'"\xf5\x80\x80\x80"', b'"\xfc\x80\x80\x80\x80\x80"', b'"\xc3"', b'"\xe2\x82"', b'"\xf0\x9f\x98"',
        b'"\xe9t\xe9"', b'"\xc3\xc3"', b'"\xe2\x82a"', b"\xc3\xa9", b"\xff",
    ],
    "word": "True TRUE nul nullx tru truee fals falsee None undefined Null n t f".split(),
    "array": [
        "[", "]", "[1", "[,1]", "[1,]", "[1,,2]", "[1 2]", "[}", "[1}", "[:]", '["a":1]', "[[]", "[]]", "[1]]", "[*]", "[1,\n", '["a]', "[,]",
        "[1;2]", "(1)", "<1>", "[1,#\n2]", "[1,/**/2]", "[\0]", "[\x0b]", "[\u00a0]", "[\ufeff]",
    ],
    "object": [
        "{", "}", "{a:1}", "{'a':1}", '{"a"}', '{"a":}', '{"a" 1}', '{"a"::1}', '{"a":1,}', '{,"a":1}', '{"a":1,,"b":2}', '{"a":1 "b":2}',
        "{1:1}", "{null:1}", "{true:1}", '{"a":1]', '{"a":1}}', '{"a","b"}', '{"a"=1}', "{[]:1}", '{"a":1;"b":2}', '{"a":1:2}', "{:1}", '{"a',
        '{"a:1}', '{"\0":1}', "{,}", '{"a":1,"b"}', '{"a" "b":1}',
    ],
    "nothing": ["", " ", ",", ":", "\0", "\\", "@", "*", "//", "#"],
}

REFUSED = {
    "number": ["1e309", "-1e309", "1e999", "1e99999999999999999999", "9" * 400, "1" + "0" * 309, "1.8e308"],
    "twice": ['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '[{"a":1,"b":2,"a":3}]', '{"":1,"":2}', '{"é":1,"\\u00e9":2}'],
    "deep": ["[" * 40 + "]" * 40, '{"a":' * 40 + "1" + "}" * 40, '[{"a":' * 20 + "1" + "}]" * 20, "[" * 900 + "]" * 900],
    "name": ['{"a\\u0000b":1}', '{"\\u0000":1}'],
}

EITHER = {
    "surrogate": [
        r'"\ud800"', r'"\udc00"', r'"\ud800\ud800"', r'"\ud800a"', r'"\udc00\ud800"', r'"\ud800\u0041"', r'"\udbff"', r'"\ud83dx"',
        r'"\uDFFF"', r'"\ud83d\n"', r'"\ud83d\\ude00"',
    ],
}

SAMPLE = '{"status":"running","n":[1,2.5e3,"\\u00e9"],"é":{"c":null}}'.encode()

TEXTS = {  # not as a value, but as they are
    "y": [b'\t\n\r {"status":"running","code":"E1"}\r\n\t ', b'{\r\n"status"\r\n:\r\n"running"\r\n,"code":\t"E1"}'],
    "n": [
        b" ", b"\n", b"\0", b"{}\0", b"\0{}", b"{\0}", b"{} {}", b"{}{}", b"{}x", b"{}//", b"/**/{}", b"{}#", b"#\n{}", b"{}\x1a", b"{}\x0c",
        b"\x0b{}", b"\xc2\xa0{}", b"\xe2\x80\x83{}", b"\xef\xbb\xbf{}", b"{}\xef\xbb\xbf", b"\xef\xbb{}", b"\xef{}", b"{},", b",{}", b"{};",
        b")]}',\n{}", b"while(1);{}", b"callback({})", b"<html></html>", b"HTTP/1.1 200 OK\r\n\r\n{}", b"\x1f\x8b\x08\0\0\0\0\0", b"\x80\x81\x82",
        b"data: {}", b"status: running", b"status=running&cn=a", b"---\nstatus: running\n", b"{}\n{}\n", b"\x1e{}\n", b"({})", b"{\"a\":1}/",
    ]
    + [SAMPLE[:n] for n in range(1, len(SAMPLE))]
    + ["{}".encode(code) for code in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")],
    "r": [b"[]", b'"running"', b"1", b"-0.5", b"null", b"true", b'[{"status":"running"}]', b' "{}" ', b"[[" + b"]]"],
}


def refuse(constant):
    raise ValueError(constant)


def is_json(text):
    try:
        json.loads(text.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def cases():
    for letter, kinds in (("y", TAKEN), ("n", BROKEN), ("r", REFUSED), ("i", EITHER)):
        for kind, values in kinds.items():
            for i, value in enumerate(values):
                value = value if isinstance(value, bytes) else value.encode()
                yield f"{letter}_{kind}_{i}", FRAME % value
    for letter, texts in TEXTS.items():
        for i, text in enumerate(texts):
            yield f"{letter}_text_{i}", text


def main():
    with open(sys.argv[1], "w", encoding="ascii") as out:
        found = list(cases())
        for name, text in found:
            if name[0] != "i" and is_json(text) != (name[0] != "n"):
                sys.exit(f"{name}: the judge says otherwise: {text!r}")
            out.write(f"static const unsigned char {name}[] = {{{','.join(map(str, text))}}};\n")
        out.write("static const struct json_case {\n    const char *name;\n    const unsigned char *text;\n    size_t len;\n} cases[] = {\n")
        for name, text in found:
            out.write(f'    {{"{name}", {name}, {len(text)}}},\n')
        out.write("};\n")
    if len(found) < 318:
        sys.exit("the suite has lost cases")


if __name__ == "__main__":
    main()
