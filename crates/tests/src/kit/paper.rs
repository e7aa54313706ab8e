//! Documents as another program reads them (`pypdf`).

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use reqwest::Method;
use serde_json::Value;

use super::{Client, peer::python};

/// What reads PDFs.
pub struct Reader(PathBuf);

impl Reader {
    /// None, with a line that says so, where no Python environment is.
    pub fn find() -> Option<Self> {
        let reads = |python: &PathBuf| {
            Command::new(python)
                .args(["-c", "import pypdf"])
                .output()
                .is_ok_and(|asked| asked.status.success())
        };
        let found = python().filter(reads);
        if found.is_none() {
            eprintln!("skipped: no Python environment with `pypdf`; `cargo xtask test` makes one");
        }
        found.map(Self)
    }

    /// Text, title, language, headings of the document at a path.
    pub async fn read(&self, client: &Client, path: &str) -> Value {
        let answer = client.request(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/pdf");
        self.read_bytes(&answer.bytes().await.expect("a body"))
    }

    /// The same of a document that is here already.
    pub fn read_bytes(&self, bytes: &[u8]) -> Value {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("paper.pdf");
        std::fs::write(&file, bytes).expect("the document is written");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/paper.py");
        let said = Command::new(&self.0).arg(script).arg(&file).output().expect("Python starts");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        serde_json::from_slice(&said.stdout).expect("JSON")
    }
}
