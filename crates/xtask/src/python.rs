//! The Python environment under `target/venv`: the LiveKit SDK that plays
//! peers in a test, and tools that are published there ready to run.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{current::Stamp, process, server};

/// What is installed, with exact versions.
const REQUIREMENTS: &str = ".ci/requirements.txt";

/// Makes the environment unless it is current.
pub fn install(root: &Path) -> Result<()> {
    let stamp = Stamp::over(root, "venv", &[REQUIREMENTS])?;
    if stamp.is_current(&interpreter(root)) {
        eprintln!("the Python environment is current");
        return Ok(());
    }
    process::run(process::command("python3").args(["-m", "venv", "--clear"]).arg(folder(root)))?;
    process::run(
        process::command(interpreter(root))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(root.join(REQUIREMENTS)),
    )?;
    stamp.keep()
}

/// The environment's Python.
pub fn interpreter(root: &Path) -> PathBuf {
    tool(root, "python")
}

/// A program that the environment brought.
pub fn tool(root: &Path, name: &str) -> PathBuf {
    folder(root).join("bin").join(name)
}

fn folder(root: &Path) -> PathBuf {
    server::target(root).join("venv")
}
