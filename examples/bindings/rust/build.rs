// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT

//! Links the library, and makes ffi.rs of the header for FFIs that is installed with it: structs, constants, functions.
//! EMQXTLS_FFI names another path of emqxtls.ffi.h.
use std::fmt::Write;
use std::{env, fs, process::Command};

fn pkg_config(question: &str) -> String {
    let told = Command::new("pkg-config").args([question, "emqxtls"]).output().expect("pkg-config is needed");
    String::from_utf8_lossy(&told.stdout).trim().to_string()
}

/// A type of C: "const char *const *" is "*const *const c_char".
fn kind(c: &str) -> String {
    let (pointed, last) = match c.trim().strip_suffix("const").unwrap_or(c).trim().rsplit_once('*') {
        Some((before, _)) => (Some(before.trim()), ""),
        None => (None, c.trim()),
    };
    if let Some(before) = pointed {
        let constant = before.ends_with("const") || (before.starts_with("const ") && !before.contains('*'));
        return format!("*{} {}", if constant { "const" } else { "mut" }, kind(before));
    }
    match last.trim_start_matches("const ").trim_start_matches("struct ") {
        "uint32_t" => "u32".into(),
        "int32_t" => "i32".into(),
        "uint64_t" => "u64".into(),
        "int64_t" => "i64".into(),
        "size_t" => "usize".into(),
        "int" => "c_int".into(),
        "char" => "c_char".into(),
        "unsigned char" => "u8".into(),
        "void" => "c_void".into(),
        other => other.into(),
    }
}

fn function(returns: &str, arguments: &str) -> String {
    let arguments: Vec<_> = arguments.split(',').filter(|a| *a != "void").map(|a| declared(a, true)).collect();
    let returned = if returns == "void" { String::new() } else { format!(" -> {}", kind(returns)) };
    format!("({}){returned}", arguments.join(", "))
}

/// "name: type" of a member or an argument: "char text[32]", "int (*fd)(void *context)", ...
fn declared(c: &str, argument: bool) -> String {
    if let Some((returns, rest)) = c.split_once("(*") {
        let (name, arguments) = rest.split_once(")(").unwrap();
        let signature = function(returns.trim(), arguments.trim_end_matches(')'));
        return format!("{name}: Option<unsafe extern \"C\" fn{signature}>");
    }
    let (c, count) = match c.trim_end_matches(']').split_once('[') {
        Some((before, count)) => (before, Some(count)),
        None => (c, None),
    };
    let at = c.rfind([' ', '*']).unwrap() + 1;
    match (kind(&c[..at]), count) {
        (element, Some(_)) if argument => format!("r#{}: *mut {element}", &c[at..]),
        (element, Some(count)) => format!("r#{}: [{element}; {count}]", &c[at..]),
        (whole, None) => format!("r#{}: {whole}", &c[at..]),
    }
}

/// "emqx_tls_ensure_result" is EnsureResult, "EMQX_TLS_E_NOT_FOUND" is NotFound.
fn camel(c: &str, prefix: &str) -> String {
    let c = c.to_lowercase();
    let c = c.trim_start_matches("emqx_tls_").trim_start_matches(prefix).trim_end_matches("_value");
    c.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// Constants; and of those that have names in the library an enum, with a value for what a newer library may tell.
fn enumeration(name: &str, values: &str) -> String {
    let values: Vec<_> = values.split(',').map(|v| v.trim().split_once(" = ").unwrap()).collect();
    let mut out: String = values.iter().map(|(name, value)| format!("pub const {name}: u32 = {value};\n")).collect();
    let short = name.trim_start_matches("emqx_tls_").trim_end_matches("_value");
    if !["code", "state", "type", "delivery", "action"].contains(&short) {
        return out;
    }
    let prefix = if short == "code" { "e_".to_string() } else { format!("{short}_") };
    let of = camel(name, "");
    let told = if short == "code" { "i32" } else { "u32" };
    let variants: String = values.iter().map(|(name, value)| format!("{} = {value}, ", camel(name, &prefix))).collect();
    let arms: String =
        values.iter().map(|(name, value)| format!("{value} => {of}::{}, ", camel(name, &prefix))).collect();
    write!(
        out,
        "#[derive(Clone, Copy, Debug, PartialEq, Eq)] #[non_exhaustive] pub enum {of} {{ {variants} Unlisted = -1 }}
        impl From<{told}> for {of} {{ fn from(told: {told}) -> {of} {{ match told {{ {arms} _ => {of}::Unlisted }} }} }}
        impl std::fmt::Display for {of} {{ fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {{
            f.write_str(unsafe {{ std::ffi::CStr::from_ptr(emqx_tls_{short}_name(*self as i32 as _)) }}.to_str().unwrap()) }} }}\n"
    )
    .unwrap();
    out
}

/// As C has it; and of what the library tells one that owns its texts, with the enums above.
fn structure(name: &str, body: &str) -> String {
    let members: Vec<_> =
        body.split(';').map(str::trim).filter(|m| !m.is_empty()).map(|m| declared(m, false)).collect();
    let mut out = format!("#[repr(C)] #[derive(Clone, Copy)] pub struct {name} {{ pub {} }}\n", members.join(", pub "));
    let of = camel(name, "");
    if !["Error", "Status", "EnsureResult", "Quota"].contains(&of.as_str()) {
        return out;
    }
    let (mut fields, mut reads) = (String::new(), String::new());
    for (member, kind) in members.iter().map(|m| m.trim_start_matches("r#").split_once(": ").unwrap()) {
        let field = if member == "type" { "kind" } else { member };
        let (kind, read) = match (member, kind) {
            ("size" | "reserved", _) => continue,
            ("code" | "state" | "type" | "delivery" | "action", _) => {
                (camel(member, ""), format!("c.r#{member}.into()"))
            }
            (_, kind) if kind.starts_with("[c_char") => (
                "String".into(),
                format!("unsafe {{ std::ffi::CStr::from_ptr(c.{member}.as_ptr()) }}.to_string_lossy().into_owned()"),
            ),
            (_, kind) => (kind.into(), format!("c.{member}")),
        };
        write!(fields, "pub {field}: {kind}, ").unwrap();
        write!(reads, "{field}: {read}, ").unwrap();
    }
    writeln!(out, "#[derive(Clone, Debug)] pub struct {of} {{ {fields} }}").unwrap();
    writeln!(out, "impl From<&{name}> for {of} {{ fn from(c: &{name}) -> {of} {{ {of} {{ {reads} }} }} }}").unwrap();
    out
}

/// One declaration, on one line.
fn rust(c: &str) -> String {
    let c = c.trim_end_matches(';');
    if let Some((head, body)) = c.split_once('{') {
        let name = head.split_whitespace().last().unwrap();
        let body = &body[..body.rfind('}').unwrap()];
        return if head.starts_with("enum") { enumeration(name, body) } else { structure(name, body) };
    }
    match c.split_whitespace().collect::<Vec<_>>()[..] {
        ["typedef", "struct", name, _] => format!("pub enum {name} {{}}\n"),
        ["typedef", known, name] => format!("pub type {name} = {};\n", kind(known)),
        ["typedef", ..] => {
            format!("pub type {};\n", declared(c.trim_start_matches("typedef "), false).replacen(": ", " = ", 1))
        }
        _ => {
            let (head, arguments) = c.split_once('(').unwrap();
            let at = head.rfind([' ', '*']).unwrap() + 1;
            let (name, signature) = (&head[at..], function(head[..at].trim(), arguments.trim_end_matches(')')));
            let mut out = format!("extern \"C\" {{ pub fn {name}{signature}; }}\n");
            if let Some(of) = name.strip_suffix("_init_size") {
                write!(
                    out,
                    "impl {of} {{ pub fn new() -> {of} {{ let mut value = std::mem::MaybeUninit::uninit();
                    unsafe {{ {name}(value.as_mut_ptr(), std::mem::size_of::<{of}>()); value.assume_init() }} }} }}\n"
                )
                .unwrap();
            }
            out
        }
    }
}

fn main() {
    for word in pkg_config("--libs").split_whitespace() {
        if let Some(folder) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        }
    }
    println!("cargo:rustc-link-lib=emqxtls");
    println!("cargo:rerun-if-env-changed=EMQXTLS_FFI");
    let installed = pkg_config("--variable=includedir") + "/emqxtls/emqxtls.ffi.h";
    let path = env::var("EMQXTLS_FFI").unwrap_or(installed);
    let header = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}; is libemqxtls installed?"));
    println!("cargo:rerun-if-changed={path}");
    let header = header.split_once("*/\n").unwrap().1.replace("\n    ", " ").replace("\n}", "}");
    let out: String = header.lines().map(rust).collect();
    fs::write(env::var("OUT_DIR").unwrap() + "/ffi.rs", out).unwrap();
}
