// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT

fn main() {
    let told = std::process::Command::new("pkg-config").args(["--libs", "emqxtls"]).output();
    let words = told.expect("pkg-config is needed").stdout;
    for word in String::from_utf8_lossy(&words).split_whitespace() {
        if let Some(folder) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        }
    }
    println!("cargo:rustc-link-lib=emqxtls");
}
