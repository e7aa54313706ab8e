//! Building the Rust side.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process;

/// Builds `bedside` for local use and says where it is.
pub fn build(root: &Path) -> Result<PathBuf> {
    process::run(process::cargo(root).args(["build", "--package", "bedside", "--bin", "bedside"]))?;
    Ok(binary(root))
}

/// How a binary is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
}

/// Builds what the benchmarks measure and run.
pub fn build_measured(root: &Path, profile: Profile) -> Result<()> {
    let whole = ["--package", "bedside", "--package", "bedside-tests", "--package", "bedside-load", "--bins"];
    // The calls without the rest of the house.
    let calls = ["--package", "bedside-media", "--example", "node"];
    for selection in [&whole[..], &calls[..]] {
        let mut build = process::cargo(root);
        build.arg("build").args(selection);
        if profile == Profile::Release {
            build.arg("--release");
        }
        process::run(&mut build)?;
    }
    Ok(())
}

/// Builds every binary and every test in one go. One selection of packages
/// means one set of features, so that nothing is compiled twice.
pub fn build_tests(root: &Path) -> Result<()> {
    process::run(process::cargo(root).args(["build", "--workspace", "--bins", "--tests"]))
}

/// Where the development build of the server lands.
pub fn binary(root: &Path) -> PathBuf {
    binary_of(root, Profile::Dev)
}

/// Where a build of the server lands; the other binaries lie beside it.
pub fn binary_of(root: &Path, profile: Profile) -> PathBuf {
    let folder = if profile == Profile::Release { "release" } else { "debug" };
    target(root).join(folder).join("bedside")
}

/// Cargo's target folder.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |set| root.join(set))
}
