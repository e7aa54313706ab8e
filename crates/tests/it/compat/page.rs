//! docs/compatibility.md says what is true: every operation stands on it, and
//! every test that it names exists.

use std::{collections::BTreeSet, fs, path::Path};

use bedside::api::router::document;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// What stands between backticks.
fn marked(page: &str) -> BTreeSet<&str> {
    page.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_operation_stands_on_the_page() {
    let page = fs::read_to_string(root().join("docs/compatibility.md")).unwrap();
    let marked = marked(&page);
    let document = document("/api_v3");
    let absent: Vec<&str> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str())
        .filter(|operation| !marked.contains(operation))
        .collect();
    assert!(absent.is_empty(), "not on docs/compatibility.md: {absent:?}");
}

#[test]
fn every_test_on_the_page_exists() {
    let page = fs::read_to_string(root().join("docs/compatibility.md")).unwrap();
    // Tests stand in the last column, and in the page's first paragraphs.
    let columns = page.lines().filter_map(|line| line.trim_end_matches(['|', ' ']).rsplit_once("| "));
    let head = page.split("\n## ").next().unwrap_or_default();
    let named: BTreeSet<&str> = columns
        .flat_map(|(_, last)| marked(last))
        .chain(marked(head))
        .filter(|name| name.contains("::"))
        .collect();
    assert!(named.len() > 30, "only {} tests are named", named.len());
    let mut missing = Vec::new();
    for name in named {
        let (module, function) = name.rsplit_once("::").unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("it").join(module.replace("::", "/"));
        let source = [file.with_extension("rs"), file.join("mod.rs")]
            .iter()
            .find_map(|file| fs::read_to_string(file).ok())
            .unwrap_or_default();
        if !source.contains(&format!("fn {function}(")) {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "docs/compatibility.md names tests that do not exist: {missing:?}");
}
