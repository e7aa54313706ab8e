//! `cargo xtask ci`: what a change must pass, cheap checks first. A failed
//! check does not hide the others: they all run, and the end names each.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{
    generate, licences, machine, process, python, server, stages::Stages, tally::Tally, test, walls, web,
};

/// Built from crates.io where no ready binary is found.
const CARGO_DENY: &str = "0.20.2";

/// Runs all checks, then, unless only `checks` are wanted, all tests.
pub fn run(root: &Path, checks: bool) -> Result<()> {
    let mut stages = Stages::new();
    let mut tally = Tally::default();

    stages.run("fmt", || process::run(process::cargo(root).args(["fmt", "--all", "--check"])));
    stages.run("walls", || walls::check(root));
    stages.run("npm licences", || licences::check(root));
    let machine = stages.run("machine for checks", || {
        machine::ensure(&[&machine::COMPILER, &machine::NODE, &machine::PYTHON], true)
    });
    let tools = stages.after(machine, "Python environment", || python::install(root));
    stages.after(tools, "typos", || {
        process::run(process::command(python::tool(root, "typos")).current_dir(root))
    });
    stages.after(tools, "deny", || deny(root));
    let packages = stages.after(machine, "web packages", || web::install(root));
    stages.after(packages, "web lint", || process::run(&mut web::script(root, "lint")));
    let pages = stages.after(packages, "web build", || web::build(root));
    stages.after(pages, "clippy", || {
        process::run(process::cargo(root).args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ]))
    });
    let built = stages.after(pages, "build of the server and all tests", || server::build_tests(root));
    stages.after(built, "generated files", || generate::check(root, &server::binary(root)));
    if checks {
        return stages.finish();
    }
    test::add(root, &[], &mut stages, &mut tally);
    test::finish(stages, tally)
}

/// Licences, bans and sources of every dependency (advisories need the outside).
fn deny(root: &Path) -> Result<()> {
    let tool = cargo_deny(root)?;
    process::run(process::command(tool).current_dir(root).args([
        "deny",
        "--workspace",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// Where cargo-deny is: on the PATH, in the Python environment (which has a
/// ready one for Linux on x86-64), or under `target/tools`, built there once.
fn cargo_deny(root: &Path) -> Result<PathBuf> {
    let tools = server::target(root).join("tools");
    let built = tools.join("bin/cargo-deny");
    let ready = [python::tool(root, "cargo-deny"), built.clone()].into_iter().find(|file| file.is_file());
    if let Some(tool) = process::find("cargo-deny").or(ready) {
        return Ok(tool);
    }
    process::run(
        process::cargo(root)
            .args(["install", "--quiet", "--debug", "--locked", "--version", CARGO_DENY, "--root"])
            .arg(&tools)
            .arg("cargo-deny"),
    )?;
    Ok(built)
}
