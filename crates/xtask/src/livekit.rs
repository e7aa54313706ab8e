//! LiveKit's own server: what calls are compared with, and the cluster that
//! they can be handed to. Go's ordinary client builds it under `target/livekit`;
//! a binary that is there already can be named by `BEDSIDE_LIVEKIT_SERVER`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{process, server};

const MODULE: &str = "github.com/livekit/livekit-server/cmd/server";
/// Versions whose module files replace nothing, so that Go can install them by
/// name; the newest that Go's proxy serves is taken.
const VERSIONS: [&str; 2] = ["v1.10.1", "v1.8.4"];
const OWN: &str = "BEDSIDE_LIVEKIT_SERVER";

/// LiveKit's server, built when it is not there yet; else one sentence that
/// says why it is not to be had. Whoever needs it skips by name with that
/// sentence: neither Go nor what its proxy serves is ours to promise.
///
/// # Errors
/// That sentence.
pub fn install(root: &Path) -> Result<PathBuf, String> {
    if let Some(own) = std::env::var_os(OWN).map(PathBuf::from) {
        let named = format!("{OWN} names {}, which is no file", own.display());
        return own.is_file().then_some(own).ok_or(named);
    }
    let folders = VERSIONS.map(|version| server::target(root).join("livekit").join(version));
    if let Some(binary) = folders.iter().map(|folder| folder.join("server")).find(|file| file.is_file()) {
        return Ok(binary);
    }
    let go = go().ok_or("Go is not installed")?;
    let mut said = Vec::new();
    for (version, folder) in VERSIONS.iter().zip(&folders) {
        match install_version(&go, version, folder) {
            Ok(binary) => return Ok(binary),
            Err(error) => said.push(error),
        }
    }
    Err(said.join("; "))
}

fn install_version(go: &Path, version: &str, folder: &Path) -> Result<PathBuf, String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut install = process::command(go);
    // Outside of every Go module, so that `install` takes the version named.
    install.current_dir(&folder).env("GOBIN", &folder).args(["install", &format!("{MODULE}@{version}")]);
    process::run(&mut install)
        .map_err(|error| format!("Go could not install {MODULE}@{version}: {error}"))?;
    Ok(folder.join("server"))
}

/// Go, also where it was unpacked without being put on the PATH.
fn go() -> Option<PathBuf> {
    let usual = PathBuf::from("/usr/local/go/bin/go");
    process::find("go").or_else(|| usual.is_file().then_some(usual))
}
