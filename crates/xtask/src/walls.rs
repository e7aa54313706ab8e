//! The rules of the house that no other tool checks: which crates a layer may
//! reach at all, which modules of the server know one another, and names and
//! sizes of files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::process;

/// A crate, and what may be nowhere in the tree below it.
const NEVER_BELOW: &[(&str, &[&str])] = &[
    // What is true needs no machine.
    (
        "bedside-model",
        &["tokio", "sqlx", "axum", "hyper", "reqwest", "bedside-store", "bedside-media", "bedside-app"],
    ),
    // The calls know none of our nouns, no web and no database.
    ("bedside-media", &["bedside-model", "bedside-store", "bedside-app", "axum", "hyper", "sqlx"]),
    ("bedside-store", &["bedside-media", "bedside-app", "axum", "hyper", "str0m"]),
    // A bucket is reached over HTTP, so a client may be below; a server may not.
    ("bedside-app", &["axum", "axum-server", "utoipa", "bedside"]),
    ("bedside", &["bedside-tests", "bedside-xtask"]),
];

/// The server's doors, which never import one another.
const DOORS: &[&str] = &["api", "signal", "jobs", "web"];

/// What no door may say: reading and writing rows is for `app`.
const NEVER_IN_DOORS: &[&str] = &[".store.write(", ".store.reader(", "Store::open("];

/// What only tests may do.
const UNWRAP: &str = ".unwrap()";

const LONGEST_FILE: usize = 500;
const VAGUE_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc"];

/// Checks all rules and names every place that breaks one.
pub fn check(root: &Path) -> Result<()> {
    let mut broken = Vec::new();
    for (layer, never) in NEVER_BELOW {
        let below = tree(root, layer)?;
        for name in never.iter().filter(|name| below.iter().any(|found| found == *name)) {
            broken.push(format!("{layer} must not depend on {name}, not even through others"));
        }
    }
    let mut files = Vec::new();
    rust_files(&root.join("crates"), &mut files)?;
    for file in &files {
        let text = fs::read_to_string(file)?;
        let shown = file.strip_prefix(root).unwrap_or(file);
        broken.extend(faults(shown, &text));
    }
    if broken.is_empty() {
        eprintln!("{} files, {} layers", files.len(), NEVER_BELOW.len());
        return Ok(());
    }
    bail!("{}", broken.join("\n   "))
}

/// Names of all crates that `package` is built from.
fn tree(root: &Path, package: &str) -> Result<Vec<String>> {
    let out = process::read(process::cargo(root).args([
        "tree",
        "--locked",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--package",
        package,
    ]))?;
    let names = String::from_utf8(out)?
        .lines()
        .skip(1)
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    Ok(names)
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// What is wrong with one source file.
fn faults(file: &Path, text: &str) -> Vec<String> {
    let shown = file.display();
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        faults.push(format!("{shown} has {lines} lines; the longest may have {LONGEST_FILE}"));
    }
    let vague = file.components().filter_map(|part| Path::new(part.as_os_str()).file_stem()?.to_str());
    for name in vague.filter(|name| VAGUE_NAMES.contains(name)) {
        faults.push(format!("{shown}: \"{name}\" says nothing; name what is in it"));
    }
    if is_product(file) {
        let code = text.split("#[cfg(test)]").next().unwrap_or(text);
        for (number, _) in code.lines().enumerate().filter(|(_, line)| line.contains(UNWRAP)) {
            faults.push(format!("{shown}:{}: no unwrap outside tests", number + 1));
        }
    }
    if let Some(door) = door_of(file) {
        for (number, line) in text.lines().enumerate() {
            for call in NEVER_IN_DOORS.iter().filter(|call| line.contains(**call)) {
                faults.push(format!("{shown}:{}: {door} must not call {call}); app does", number + 1));
            }
        }
        for other in DOORS.iter().filter(|other| **other != door) {
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or(line);
                if code.contains(&format!("crate::{other}::"))
                    || code.contains(&format!("use crate::{other};"))
                {
                    faults.push(format!("{shown}:{}: {door} must not import {other}", number + 1));
                }
            }
        }
    }
    faults
}

/// Whether a file is part of what runs, not of a test.
fn is_product(file: &Path) -> bool {
    let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_test = name.contains("test") || file.components().any(|part| part.as_os_str() == "tests");
    !is_test && !file.starts_with("crates/xtask")
}

/// The door of the server that a file belongs to, if any.
fn door_of(file: &Path) -> Option<&'static str> {
    let inside = file.strip_prefix("crates/server/src").ok()?;
    let first = Path::new(inside.components().next()?.as_os_str()).file_stem()?.to_str()?;
    DOORS.iter().find(|door| **door == first).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_that_imports_another_is_found() {
        let file = Path::new("crates/server/src/api/visits.rs");
        let found = faults(file, "use crate::api::error;\nuse crate::signal::sse;\n// crate::web::pages\n");
        assert_eq!(found, ["crates/server/src/api/visits.rs:2: api must not import signal"]);
    }

    #[test]
    fn a_door_that_reads_rows_is_found() {
        let found =
            faults(Path::new("crates/server/src/web/auth.rs"), "\nlet conn = app.store.reader().await?;\n");
        assert_eq!(found, ["crates/server/src/web/auth.rs:2: web must not call .store.reader(); app does"]);
        assert!(faults(Path::new("crates/server/src/boot/mod.rs"), "Store::open(&settings)").is_empty());
    }

    #[test]
    fn an_unwrap_is_found_unless_it_is_in_a_test() {
        let file = Path::new("crates/app/src/visits.rs");
        let text = "let a = b.unwrap();\n#[cfg(test)]\nmod tests { fn f() { c.unwrap(); } }\n";
        assert_eq!(faults(file, text), ["crates/app/src/visits.rs:1: no unwrap outside tests"]);
        assert!(faults(Path::new("crates/store/src/engine_tests.rs"), text).is_empty());
    }

    #[test]
    fn long_files_and_vague_names_are_found() {
        let long = "\n".repeat(LONGEST_FILE + 1);
        assert_eq!(faults(Path::new("crates/app/src/visits.rs"), &long).len(), 1);
        assert_eq!(faults(Path::new("crates/app/src/utils/mod.rs"), "").len(), 1);
        assert!(faults(Path::new("crates/app/src/visits.rs"), "use crate::signal::x;").is_empty());
    }
}
