//! `cargo xtask bench`.

use std::path::Path;

use anyhow::Result;

/// What to measure.
#[derive(clap::Args)]
pub struct Options {}

pub fn run(_root: &Path, _options: &Options) -> Result<()> {
    Ok(())
}
