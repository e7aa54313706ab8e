//! `cargo xtask gen`: the files that are made from others and checked in.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{configuration, errors, machine, process, server, stages::Stages, web};

const OPENAPI: &str = "docs/openapi.json";
const CONFIGURATION: &str = "docs/configuration.md";
const ERRORS: &str = "docs/errors.md";
const TYPES: &str = "web/src/lib/api/schema.ts";

/// Writes all generated files.
pub fn run(root: &Path) -> Result<()> {
    machine::ensure(&[&machine::COMPILER, &machine::NODE], false)?;
    let mut stages = Stages::new();
    let installed = stages.run("web packages", || web::install(root));
    let pages = stages.after(installed, "web build", || web::build(root));
    let built = stages.after(pages, "server build", || server::build(root).map(|_| ()));
    stages.after(built, "generated files", || write(root, &server::binary(root)));
    stages.finish()
}

/// Writes them and fails when one of them was not what it should be.
pub fn check(root: &Path, binary: &Path) -> Result<()> {
    let all = [OPENAPI, CONFIGURATION, ERRORS, TYPES];
    let before = all.map(|file| fs::read(root.join(file)).ok());
    write(root, binary)?;
    let stale: Vec<&str> = all
        .into_iter()
        .zip(before)
        .filter(|(file, before)| fs::read(root.join(file)).ok() != *before)
        .map(|(file, _)| file)
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    bail!("Not current: {}. Run `cargo xtask gen` and commit what it writes.", stale.join(", "))
}

fn write(root: &Path, binary: &Path) -> Result<()> {
    let openapi = process::read(process::command(binary).arg("openapi").current_dir(root))?;
    put(root, OPENAPI, &openapi)?;
    let defaults = fs::read_to_string(root.join("config/default.toml"))?;
    put(root, CONFIGURATION, configuration::reference(&defaults)?.as_bytes())?;
    put(root, ERRORS, errors::reference(root)?.as_bytes())?;
    process::run(&mut web::script(root, "gen"))
}

/// Writes a file only if that changes it, so that builds from it stay current.
fn put(root: &Path, file: &str, content: &[u8]) -> Result<()> {
    let path = root.join(file);
    if fs::read(&path).is_ok_and(|found| found == content) {
        return Ok(());
    }
    fs::write(&path, content).with_context(|| format!("cannot write {file}"))?;
    eprintln!("wrote {file}");
    Ok(())
}
