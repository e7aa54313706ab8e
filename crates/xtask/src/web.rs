//! The pages: packages, build, and the checks that npm runs.

use std::{fs, path::Path, process::Command};

use anyhow::Result;
use serde_json::Value;

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
    if is_installed(root) {
        eprintln!("npm packages are current");
        return Ok(());
    }
    process::run(npm(root).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
}

/// Whether npm's own record of what it installed matches the lock; packages
/// for other machines may be missing.
fn is_installed(root: &Path) -> bool {
    let packages = |file: &str| {
        let lock: Value = serde_json::from_slice(&fs::read(root.join(file)).ok()?).ok()?;
        lock["packages"].as_object().cloned()
    };
    let wanted = packages("web/package-lock.json");
    let (Some(wanted), Some(found)) = (wanted, packages("web/node_modules/.package-lock.json")) else {
        return false;
    };
    let same = |place: &str, package: &Value| {
        found.get(place).map_or(package["optional"] == true, |there| there["version"] == package["version"])
    };
    wanted.iter().filter(|(place, _)| !place.is_empty()).all(|(place, package)| same(place, package))
        && found.keys().all(|place| wanted.contains_key(place))
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
