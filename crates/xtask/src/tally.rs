//! Counting tests over the runners that we use, so that the last line of a
//! run says how many there were, and keeping what failed tests said.

use crate::told::Told;

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// What the failed ones said, for the end of the run.
    pub told: Told,
}

impl Tally {
    /// Adds what a line of a runner's output says, if it says anything.
    pub fn see(&mut self, line: &str) {
        let line = without_colours(line);
        self.told.see(&line);
        let line = line.trim();
        if let Some(counts) = line.strip_prefix("test result: ") {
            // cargo test: "ok. 3 passed; 0 failed; 1 ignored; …"
            let counts = counts.split_once(". ").map_or(counts, |(_, rest)| rest);
            self.add(counts.split(';'));
        } else if line.starts_with("Summary [") {
            // nextest: "Summary [ 1.2s] 9 tests run: 8 passed, 1 failed, 2 skipped"
            if let Some((_, counts)) = line.split_once("run:") {
                self.add(counts.split(','));
            }
        } else if let Some(counts) = line.strip_prefix("Tests ") {
            // vitest: "Tests  1 failed | 33 passed (34)"
            self.add(counts.split('|'));
        } else {
            // Playwright: "12 passed (1.2m)", "1 failed", each alone on a line.
            let bare = line.split(" (").next().unwrap_or(line);
            if bare.split(' ').count() == 2 {
                self.add(std::iter::once(bare));
            }
        }
    }

    fn add<'a>(&mut self, counts: impl Iterator<Item = &'a str>) {
        for count in counts {
            let mut words = count.split_whitespace();
            let (Some(number), Some(word)) = (words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match word {
                "passed" | "flaky" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" | "skipped" | "todo" => self.skipped += number,
                _ => {}
            }
        }
    }
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // An escape sequence ends with its first letter.
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.see(line));
        tally
    }

    #[test]
    fn every_runner_is_understood() {
        let cases = [
            (
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
                (3, 0, 1),
            ),
            ("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured", (3, 2, 0)),
            ("     Summary [   1.250s] 11 tests run: 9 passed, 2 failed, 4 skipped", (9, 2, 4)),
            (
                "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m34 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (34)\u{1b}[39m",
                (34, 0, 0),
            ),
            ("      Tests  1 failed | 33 passed | 2 skipped (36)", (33, 1, 2)),
            ("  12 passed (1.2m)", (12, 0, 0)),
            ("  1 failed", (0, 1, 0)),
            ("running 12 tests", (0, 0, 0)),
            (" Test Files  4 passed (4)", (0, 0, 0)),
        ];
        for (line, (passed, failed, skipped)) in cases {
            let seen = tally(&[line]);
            assert_eq!((seen.passed, seen.failed, seen.skipped), (passed, failed, skipped), "{line}");
        }
    }

    #[test]
    fn counts_of_several_runs_add_up() {
        let both = tally(&["test result: ok. 3 passed; 0 failed; 0 ignored", "  2 passed (3s)"]);
        assert_eq!((both.passed, both.failed, both.skipped), (5, 0, 0));
    }
}
