//! The files of the pages, embedded or (while developing them) from a folder.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/build"]
#[allow_missing = true]
struct Embedded;

/// One file as it is served.
#[derive(Clone)]
pub(super) struct File {
    pub bytes: Cow<'static, [u8]>,
    /// Strong entity tag, with its quotes.
    pub tag: String,
}

/// The page that every path of the single-page app answers with.
#[derive(Clone)]
pub(super) struct Index {
    pub file: File,
    /// Hashes of its inline scripts, for the content policy.
    pub script_hashes: Arc<[String]>,
}

/// Where the files come from.
pub(super) struct Files {
    dir: Option<PathBuf>,
    /// The page by portal, made once each; bounded by the number of portals.
    indexes: Mutex<HashMap<String, Index>>,
}

impl Files {
    pub fn new(dir: Option<PathBuf>) -> Self {
        Self { dir, indexes: Mutex::default() }
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

    /// The page as it is served below a portal's path; empty is the root.
    pub fn index(&self, portal: &str) -> Option<Index> {
        let kept = |indexes: &HashMap<String, Index>| indexes.get(portal).cloned();
        if self.dir.is_none()
            && let Some(index) = kept(&self.indexes.lock().unwrap_or_else(PoisonError::into_inner))
        {
            return Some(index);
        }
        let html = self.get("index.html")?.bytes;
        let html = based(&String::from_utf8_lossy(&html), portal);
        let index = Index {
            script_hashes: inline_scripts(&html).into(),
            file: File { tag: tag(&Sha256::digest(html.as_bytes()).into()), bytes: html.into_bytes().into() },
        };
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        indexes.insert(portal.to_owned(), index.clone());
        Some(index)
    }
}

/// Tells the app in the page that it lives below a path. SvelteKit writes its
/// `base` into the one inline script; files are named from the root.
fn based(html: &str, portal: &str) -> String {
    const AT_ROOT: &str = "base: \"\"";
    let plain = portal.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
    if portal.is_empty() || !plain {
        return html.to_owned();
    }
    html.replacen(AT_ROOT, &format!("base: \"{portal}\""), 1)
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

    #[test]
    fn a_page_below_a_path_knows_it() {
        let html = "<script>{ x = { base: \"\", version: \"b\" }; import(\"/_app/a.js\"); }</script>";
        assert_eq!(based(html, ""), html);
        let below = based(html, "/vc/next");
        assert_eq!(below, html.replace("base: \"\"", "base: \"/vc/next\""));
        assert_ne!(inline_scripts(html), inline_scripts(&below), "the policy must name the new script");
        assert_eq!(based(html, "/a\"b"), html);
    }

    #[test]
    fn the_built_page_can_be_based() {
        // Without built pages there is nothing to look at; `cargo xtask test` builds them first.
        let Some(root) = Files::new(None).index("") else { return };
        let below = Files::new(None).index("/vc/next").expect("the same page");
        assert_ne!(root.file.tag, below.file.tag, "SvelteKit writes its base in another way now");
        assert_eq!(below.script_hashes.len(), root.script_hashes.len());
    }
}
