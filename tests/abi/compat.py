#!/usr/bin/env python3
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
"""compat.py KEPT NEW - a program or binding that was made for KEPT, the release's abi.json, runs with the library of NEW.

compat.py --keep NEW KEPT - keeps NEW, at a release: what is prose is left out.

Before it compares it is tried itself: changes that break a caller, and changes that do not, are made to a copy of NEW.
"""
import copy
import json
import sys

PROSE = ("text", "returned", "threads", "since", "header")


def bare(value):
    """Without prose; of codes the names alone."""
    if isinstance(value, list):
        return [bare(v) for v in value]
    if isinstance(value, dict):
        return {k: sorted(v) if k == "codes" else bare(v) for k, v in value.items() if not (k in PROSE and isinstance(v, str))}
    return value


def signature(one):
    return one["returns"], [a["type"] for a in one["arguments"]]


def problems(old, new):
    """What breaks a caller of `old`."""
    same_machine = old["machine"] == new["machine"]
    if old["soname"] != new["soname"]:
        yield f"the SONAME is {new['soname']}, not {old['soname']}: then nothing old is loaded, and tests/abi starts anew"
    for name, kind in old["types"].items():
        if new["types"].get(name) != kind:
            yield f"the type {name} has changed"
    for name in old["handles"]:
        if name not in new["handles"]:
            yield f"the handle {name} is gone"
    for tag, enumeration in old["enumerations"].items():
        now = new["enumerations"].get(tag, {"values": {}})["values"]
        for name, value in enumeration["values"].items():
            if now.get(name) != value:
                yield f"{name} was {value['value']} and is {now.get(name, {}).get('value', 'gone')}"
        numbers = [v["value"] for v in now.values()]
        if len(set(numbers)) != len(numbers):
            yield f"two values of {tag} are the same number"
    for name, struct in old["structs"].items():
        yield from struct_problems(name, struct, new["structs"].get(name), same_machine)
    for name, callback in old["callbacks"].items():
        if name not in new["callbacks"] or signature(callback) != signature(new["callbacks"][name]):
            yield f"the callback {name} has changed"
    for name, function in old["functions"].items():
        yield from function_problems(name, function, new["functions"].get(name))


def struct_problems(name, old, new, same_machine):
    if not new:
        yield f"{name} is gone"
        return
    if old["init"] != new["init"]:
        yield f"{name} has no {old['init']} any more"
    if len(new["members"]) < len(old["members"]):
        yield f"{name} has lost members"
    if same_machine and new["size"] < old["size"]:
        yield f"{name} has shrunk from {old['size']} to {new['size']} bytes"
    for was, now in zip(old["members"], new["members"]):
        named = was["name"] == now["name"] or was["name"] == "reserved"  # it was 0, and a caller may still take it for that
        if not named or was["type"] != now["type"]:
            yield f"{name}.{was['name']} has become {now['type']} {now['name']}"
        elif same_machine and (was["offset"], was["size"]) != (now["offset"], now["size"]):
            yield f"{name}.{was['name']} has moved from {was['offset']} to {now['offset']}"
        elif "callback" in was and signature(was["callback"]) != signature(now["callback"]):
            yield f"{name}.{was['name']} is called in another way"


def function_problems(name, old, new):
    if not new:
        yield f"{name} is gone"
        return
    if signature(old) != signature(new):
        yield f"{name} is called in another way"
        return
    for was, now in zip(old["arguments"], new["arguments"]):
        if was.get("null") and not now["null"]:
            yield f"{name}: {was['name']} may not be NULL any more"
        if was["direction"] != now["direction"]:
            yield f"{name}: {was['name']} was {was['direction']} and is {now['direction']}"
        if was.get("borrowed", "").startswith("not") and was["borrowed"] != now["borrowed"]:
            yield f"{name}: {was['name']} is not copied any more"


def member(name, kind, offset, size):
    return {"name": name, "type": kind, "offset": offset, "size": size}


def change(new, path, value):
    """A copy in which what stands at `path` is `value`; None: is gone."""
    changed = copy.deepcopy(new)
    at = changed
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return changed


def try_out(new):
    """Says which of the changes below is not judged as it should be."""
    error, config = new["structs"]["emqx_tls_error"], new["structs"]["emqx_tls_config"]
    breaking = {
        "a function goes": (["functions", "emqx_tls_get"], None),
        "a function takes one more": (["functions", "emqx_tls_get", "arguments"], new["functions"]["emqx_tls_wait"]["arguments"]),
        "a function returns something else": (["functions", "emqx_tls_features", "returns"], "uint64_t"),
        "an argument must not be NULL any more": (["functions", "emqx_tls_get", "arguments", 3, "null"], False),
        "what was copied is borrowed": (["functions", "emqx_tls_submit", "arguments", 3, "borrowed"], "until done has returned"),
        "a struct goes": (["structs", "emqx_tls_quota"], None),
        "a struct shrinks": (["structs", "emqx_tls_error", "size"], error["size"] - 8),
        "a member goes": (["structs", "emqx_tls_error", "members", 3], None),
        "the last member goes": (["structs", "emqx_tls_config", "members", len(config["members"]) - 1], None),
        "a member has another type": (["structs", "emqx_tls_error", "members", 2, "type"], "uint32_t"),
        "a member moves": (["structs", "emqx_tls_error", "members", 6, "offset"], 32),
        "a text has another length": (["structs", "emqx_tls_error", "members", 7, "type"], "char[32]"),
        "a callback takes something else": (["structs", "emqx_tls_transport", "members", 4, "callback", "returns"], "void"),
        "done takes something else": (["callbacks", "emqx_tls_done_fn", "arguments"], []),
        "a code has another number": (["enumerations", "emqx_tls_code_value", "values", "EMQX_TLS_E_CHECK", "value"], 30),
        "a flag goes": (["enumerations", "emqx_tls_config_flag", "values", "EMQX_TLS_SKIP_CHECK"], None),
        "a number is given twice": (["enumerations", "emqx_tls_state", "values", "NEW"], {"value": 3}),
        "the code's type changes": (["types", "emqx_tls_code", "is"], "int64_t"),
        "a handle goes": (["handles", "emqx_tls_client"], None),
        "an init goes": (["structs", "emqx_tls_error", "init"], "other"),
    }
    longer = error["members"] + [member("new", "uint64_t", error["size"], 8)]
    harmless = {
        "a function is added": (["functions", "emqx_tls_new"], new["functions"]["emqx_tls_get"]),
        "a code is added": (["enumerations", "emqx_tls_code_value", "values", "EMQX_TLS_E_NEW"], {"value": 16}),
        "a struct is added": (["structs", "emqx_tls_new"], error),
        "a member is added at the end": (["structs", "emqx_tls_error"], {**error, "members": longer, "size": error["size"] + 8}),
        "a reserved member gets a name": (["structs", "emqx_tls_status", "members", 3, "name"], "new"),
        "an argument may be NULL": (["functions", "emqx_tls_get", "arguments", 1, "null"], True),
    }
    for what, (path, value) in breaking.items():
        if not list(problems(new, change(new, path, value))):
            yield f"it is not noticed that {what}"
    for what, (path, value) in harmless.items():
        for found in problems(new, change(new, path, value)):
            yield f"it is no harm that {what}: {found}"


def main():
    if sys.argv[1] == "--keep":
        with open(sys.argv[2], encoding="utf-8") as new, open(sys.argv[3], "w", encoding="utf-8") as kept:
            json.dump(bare(json.load(new)), kept, separators=(",", ":"))
            kept.write("\n")
        return
    with open(sys.argv[1], encoding="utf-8") as kept, open(sys.argv[2], encoding="utf-8") as new:
        old, now = json.load(kept), bare(json.load(new))
    found = list(try_out(now)) + list(problems(old, now))
    for text in found:
        print(text)
    print(f"{len(old['functions'])} functions, {len(old['structs'])} structs of {old['version']}")
    sys.exit(bool(found))


main()
