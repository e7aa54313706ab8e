//! The pages: packages, build, and the checks that npm runs.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{current::Stamp, process};

/// Everything the built pages are made from.
const SOURCES: &[&str] = &[
    "web/package.json",
    "web/package-lock.json",
    "web/vite.config.ts",
    "web/tsconfig.json",
    "web/scripts",
    "web/src",
    "web/static",
];

/// Installs the locked packages, unless they are there.
pub fn install(root: &Path) -> Result<()> {
    let stamp = Stamp::over(root, "npm", &["web/package.json", "web/package-lock.json"])?;
    if stamp.is_current(&root.join("web/node_modules/.package-lock.json")) {
        eprintln!("npm packages are current");
        return Ok(());
    }
    process::run(npm(root).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    stamp.keep()
}

/// Builds the pages into `web/build`, unless nothing they are made from changed.
pub fn build(root: &Path) -> Result<()> {
    let stamp = Stamp::over(root, "web", SOURCES)?;
    if stamp.is_current(&root.join("web/build/index.html")) {
        eprintln!("the pages are current");
        return Ok(());
    }
    process::run(&mut script(root, "build"))?;
    stamp.keep()
}

/// `npm run NAME` in `web/`.
pub fn script(root: &Path, name: &str) -> Command {
    let mut command = npm(root);
    command.args(["run", "--silent", name]);
    command
}

fn npm(root: &Path) -> Command {
    let mut npm = process::command("npm");
    npm.current_dir(root.join("web"));
    // Browsers come from Debian, never from a download.
    npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    npm
}
