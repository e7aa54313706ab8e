//! The page's sections, so that a part measured alone takes the place of its
//! own section and leaves the others as they were.

const HEADING: &str = "\n## ";

/// The old page with the sections of the new one in their places; those that
/// are new come last. `mark` says where a section that was put in comes from.
pub fn put_in(old: &str, new: &str, mark: &str) -> String {
    let (head, mut sections) = split(old);
    for (title, text) in split(new).1 {
        let text = format!("{}\n\n{mark}\n", text.trim_end());
        match sections.iter_mut().find(|(known, _)| *known == title) {
            Some((_, kept)) => *kept = text,
            None => sections.push((title, text)),
        }
    }
    let sections: Vec<String> =
        sections.iter().map(|(title, text)| format!("{HEADING}{title}\n{}\n", text.trim_end())).collect();
    format!("{}\n{}", head.trim_end(), sections.concat())
}

/// What stands before the first section, and the sections by their titles.
fn split(page: &str) -> (&str, Vec<(&str, String)>) {
    let mut parts = page.split(HEADING);
    let head = parts.next().unwrap_or_default();
    let sections = parts.map(|part| {
        let (title, text) = part.split_once('\n').unwrap_or((part, ""));
        (title, text.to_owned())
    });
    (head, sections.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_takes_its_own_place_and_a_new_one_comes_last() {
        let old = "# Page\n\nHead.\n\n## One\n\nold 1\n\n## Two\n\nold 2\n";
        let new = "# Page\n\nOther head.\n\n## Two\n\nnew 2\n\n## Three\n\nnew 3\n";
        assert_eq!(
            put_in(old, new, "Alone."),
            "# Page\n\nHead.\n\n## One\n\nold 1\n\n## Two\n\nnew 2\n\nAlone.\n\n## Three\n\nnew 3\n\nAlone.\n"
        );
    }
}
