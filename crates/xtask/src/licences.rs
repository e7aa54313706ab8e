//! Licences of the npm packages, as `package-lock.json` tells them. (Those of
//! the crates are `cargo deny`'s business.)

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What `deny.toml` allows as well, the fonts' licence, and that of a build tool's argument parser.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "OFL-1.1",
    "Python-2.0",
];

/// Fails when a package has no licence, or one that is not allowed.
pub fn check(root: &Path) -> Result<()> {
    let lock: Value = serde_json::from_slice(&fs::read(root.join("web/package-lock.json"))?)?;
    let packages = lock["packages"].as_object().context("package-lock.json lists no packages")?;
    let mut refused = Vec::new();
    for (place, package) in packages.iter().filter(|(place, _)| !place.is_empty()) {
        let licence = package["license"].as_str();
        // Native code for other machines: never installed here, under the licence of its parent.
        let elsewhere = licence.is_none() && package["optional"] == true && package["os"].is_array();
        if !elsewhere && !licence.is_some_and(is_allowed) {
            refused.push(format!("{place}: {}", licence.unwrap_or("no licence")));
        }
    }
    if refused.is_empty() {
        eprintln!("{} packages", packages.len() - 1);
        return Ok(());
    }
    bail!("not allowed: {}", refused.join("; "))
}

/// An SPDX expression of names, OR and AND: some alternative is allowed in all its parts.
fn is_allowed(expression: &str) -> bool {
    let bare = |text: &str| text.trim_matches(['(', ')', ' ']).to_owned();
    bare(expression)
        .split(" OR ")
        .any(|alternative| alternative.split(" AND ").all(|part| ALLOWED.contains(&bare(part).as_str())))
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn expressions_are_read() {
        for good in ["MIT", "(MIT OR GPL-3.0)", "MIT OR Apache-2.0", "(Apache-2.0 AND BSD-3-Clause)"] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in ["GPL-3.0", "", "(MIT AND GPL-3.0)", "SEE LICENSE IN FILE", "AGPL-3.0 OR GPL-3.0"] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }
}
