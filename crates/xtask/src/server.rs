//! Building the Rust side.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process;

/// Builds `bedside` for local use and says where it is.
pub fn build(root: &Path) -> Result<PathBuf> {
    process::run(process::cargo(root).args(["build", "--package", "bedside", "--bin", "bedside"]))?;
    Ok(binary(root))
}

/// Builds what the benchmarks measure and run, optimised.
pub fn build_release(root: &Path) -> Result<()> {
    process::run(process::cargo(root).args([
        "build",
        "--release",
        "--package",
        "bedside",
        "--package",
        "bedside-tests",
        "--bins",
    ]))
}

/// Where the optimised server lands.
pub fn release_binary(root: &Path) -> PathBuf {
    target(root).join("release/bedside")
}

/// Builds every binary and every test in one go. One selection of packages
/// means one set of features, so that nothing is compiled twice.
pub fn build_tests(root: &Path) -> Result<()> {
    process::run(process::cargo(root).args(["build", "--workspace", "--bins", "--tests"]))
}

/// Where the development build of the server lands.
pub fn binary(root: &Path) -> PathBuf {
    target(root).join("debug/bedside")
}

/// Cargo's target folder.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |set| root.join(set))
}
