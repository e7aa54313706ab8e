//! The files of the pages, embedded or (while developing them) from a folder.

use std::{borrow::Cow, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/build"]
#[allow_missing = true]
struct Embedded;

/// One file as it is served.
pub(super) struct File {
    pub bytes: Cow<'static, [u8]>,
    /// Strong entity tag, with its quotes.
    pub tag: String,
}

/// Where the files come from.
pub(super) struct Files {
    dir: Option<PathBuf>,
    script_hashes: Vec<String>,
}

impl Files {
    pub fn new(dir: Option<PathBuf>) -> Self {
        let mut files = Self { dir, script_hashes: Vec::new() };
        if files.dir.is_none() {
            files.script_hashes = files.read_script_hashes();
        }
        files
    }

    /// A file by its path without the leading slash.
    pub fn get(&self, path: &str) -> Option<File> {
        if path.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
            return None;
        }
        let Some(dir) = &self.dir else {
            let file = Embedded::get(path)?;
            let tag = tag(&file.metadata.sha256_hash());
            return Some(File { bytes: file.data, tag });
        };
        let bytes = std::fs::read(dir.join(path)).ok()?;
        let tag = tag(&Sha256::digest(&bytes).into());
        Some(File { bytes: Cow::Owned(bytes), tag })
    }

    /// Hashes of the inline scripts of `index.html`, for the content policy.
    pub fn script_hashes(&self) -> Cow<'_, [String]> {
        match self.dir {
            None => Cow::Borrowed(&self.script_hashes),
            Some(_) => Cow::Owned(self.read_script_hashes()),
        }
    }

    fn read_script_hashes(&self) -> Vec<String> {
        self.get("index.html")
            .map(|file| inline_scripts(&String::from_utf8_lossy(&file.bytes)))
            .unwrap_or_default()
    }
}

fn tag(hash: &[u8; 32]) -> String {
    format!("\"{}\"", BASE64_STANDARD.encode(&hash[..12]))
}

/// SHA-256 of each inline script, base64, as a content policy names it.
fn inline_scripts(html: &str) -> Vec<String> {
    let mut hashes = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find("<script") {
        rest = &rest[at..];
        let Some(open_end) = rest.find('>') else { break };
        let Some(close) = rest.find("</script>") else { break };
        let is_inline = !rest[..open_end].contains(" src=");
        if is_inline && close > open_end {
            let digest = Sha256::digest(&rest.as_bytes()[open_end + 1..close]);
            hashes.push(BASE64_STANDARD.encode(digest));
        }
        rest = &rest[close + "</script>".len()..];
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_inline_scripts_are_hashed() {
        let html = "<script src=\"/a.js\"></script><script type=\"module\">alert(1)</script>";
        let wanted = BASE64_STANDARD.encode(Sha256::digest(b"alert(1)"));
        assert_eq!(inline_scripts(html), [wanted]);
    }
}
