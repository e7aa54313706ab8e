//! `cargo xtask demo`: from a fresh checkout to a running clinic.

use std::{os::unix::process::CommandExt, path::Path, process::Stdio};

use anyhow::{Result, bail};

use crate::{machine, process, server, stages::Stages, web};

/// Builds what is not current, then runs `bedside demo` with `args` until it ends.
pub fn run(root: &Path, args: &[String]) -> Result<()> {
    machine::ensure(&[&machine::COMPILER, &machine::NODE], false)?;
    let mut stages = Stages::new();
    let installed = stages.run("web packages", || web::install(root));
    let pages = stages.after(installed, "web build", || web::build(root));
    let built = stages
        .after(pages, "server build (the first one takes some minutes)", || server::build(root).map(|_| ()));
    stages.finish()?;
    debug_assert!(built, "finish() reports a failed stage");

    eprintln!();
    // The server takes this process's place, so that every signal reaches it.
    let error = process::command(server::binary(root)).arg("demo").args(args).stdin(Stdio::inherit()).exec();
    bail!("The demo could not be started: {error}.")
}
