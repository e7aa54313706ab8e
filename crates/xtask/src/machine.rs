//! What the machine must have. On Debian, as root, missing packages are
//! installed; elsewhere one sentence says what to install.

use anyhow::{Result, bail};

use crate::{postgres, process};

/// Something that the machine has or lacks.
pub struct Need {
    /// What to call it in a sentence.
    pub name: &'static str,
    /// Debian's packages for it.
    pub packages: &'static [&'static str],
    pub present: fn() -> bool,
}

pub const COMPILER: Need =
    Need { name: "a C compiler", packages: &["build-essential"], present: || process::find("cc").is_some() };

pub const NODE: Need = Need {
    name: "Node.js with npm",
    packages: &["nodejs", "npm"],
    present: || process::find("node").is_some() && process::find("npm").is_some(),
};

pub const PYTHON: Need = Need {
    name: "Python 3 with venv",
    packages: &["python3", "python3-venv"],
    present: || {
        process::command("python3").args(["-c", "import ensurepip, venv"]).status().is_ok_and(|s| s.success())
    },
};

pub const CHROMIUM: Need =
    Need { name: "Chromium", packages: &["chromium"], present: || process::find("chromium").is_some() };

pub const FFMPEG: Need = Need {
    name: "ffmpeg with ffprobe",
    packages: &["ffmpeg"],
    present: || process::find("ffmpeg").is_some() && process::find("ffprobe").is_some(),
};

pub const REDIS: Need =
    Need { name: "Redis", packages: &["redis-server"], present: || process::find("redis-server").is_some() };

pub const POSTGRES: Need = Need {
    name: "PostgreSQL 15 or newer (initdb and postgres)",
    packages: &["postgresql"],
    present: || postgres::binaries().is_some(),
};

/// Makes sure of all `needs`, installing Debian packages when `install` is set
/// and we may.
pub fn ensure(needs: &[&Need], install: bool) -> Result<()> {
    let missing: Vec<&&Need> = needs.iter().filter(|need| !(need.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    if install && process::find("apt-get").is_some() && process::is_root() {
        apt(&["update"])?;
        let mut args = vec!["install", "--yes", "--no-install-recommends"];
        args.extend(&packages);
        apt(&args)?;
        if let Some(need) = missing.iter().find(|need| !(need.present)()) {
            bail!("{} is still missing after installing {}.", need.name, need.packages.join(" "));
        }
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|need| need.name).collect();
    bail!(
        "This machine lacks {}. Install it (on Debian or Ubuntu: apt-get install {}) and run this again.",
        names.join(", "),
        packages.join(" ")
    )
}

fn apt(args: &[&str]) -> Result<()> {
    process::run(
        process::command("apt-get").arg("--quiet=2").args(args).env("DEBIAN_FRONTEND", "noninteractive"),
    )
}
