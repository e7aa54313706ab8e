//! What failed tests said. A run prints thousands of lines; whoever reads its
//! end finds there why it failed.

/// Most lines kept of one failure: its last ones, after the long answers that
/// an assertion shows.
const LINES: usize = 80;
/// Most characters kept of a line.
const WIDTH: usize = 600;
/// Most failures kept. Where everything fails, the first ones say enough.
const FAILURES: usize = 20;

/// The failures of the runs seen so far: what `cargo test` prints below
/// `---- name stdout ----`, and Playwright below `  1) [project] › file …`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    failures: Vec<Vec<String>>,
    open: bool,
}

impl Told {
    /// Takes a line of a runner's output, without colours.
    pub fn see(&mut self, line: &str) {
        let begins = (line.starts_with("---- ") && line.trim_end().ends_with(" ----"))
            || (line.starts_with("  ") && line.contains(") [") && line.contains(" › "));
        let ends = line == "failures:"
            || line.starts_with("test result: ")
            || line.starts_with('[')
            || is_count(line);
        if begins {
            self.open = self.failures.len() < FAILURES;
            if self.open {
                self.failures.push(Vec::new());
            }
        } else if ends {
            self.open = false;
        }
        if let (true, Some(failure)) = (self.open, self.failures.last_mut()) {
            // The first line names the test.
            if failure.len() > LINES {
                failure.remove(1);
            }
            failure.push(line.chars().take(WIDTH).collect());
        }
    }

    /// Prints what was kept, if there was anything.
    pub fn print(&self) {
        if !self.failures.is_empty() {
            println!("\nWhat the failed tests said");
        }
        for line in self.failures.iter().flatten().filter(|line| !line.trim().is_empty()) {
            println!("  {line}");
        }
    }
}

/// Playwright's "  1 failed", alone on its line.
fn is_count(line: &str) -> bool {
    line.trim().strip_suffix(" failed").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Vec<Vec<String>> {
        let mut told = Told::default();
        lines.iter().for_each(|line| told.see(line));
        told.failures
    }

    #[test]
    fn what_a_failed_test_said_is_kept_and_nothing_else() {
        let lines = [
            "test a::b ... FAILED",
            "failures:",
            "---- a::b stdout ----",
            "thread 'a::b' panicked at it/a.rs:3:5:",
            "no",
            "failures:",
            "    a::b",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored",
        ];
        let kept = told(&lines);
        assert_eq!(kept, [["---- a::b stdout ----", "thread 'a::b' panicked at it/a.rs:3:5:", "no"]]);
    }

    #[test]
    fn a_browsers_failure_is_kept() {
        let lines = [
            "[3/84] [camera] › e2e/desk.spec.ts:5:1 › a wrong password",
            "  1) [camera] › e2e/desk.spec.ts:5:1 › a wrong password ────",
            "    Error: not visible",
            "  1 failed",
            "    [camera] › e2e/desk.spec.ts:5:1 › a wrong password",
        ];
        assert_eq!(
            told(&lines),
            [["  1) [camera] › e2e/desk.spec.ts:5:1 › a wrong password ────", "    Error: not visible"]]
        );
    }

    #[test]
    fn of_a_long_failure_the_name_and_the_end_are_kept() {
        let many: Vec<String> = (0..500).map(|number| format!("line {number}")).collect();
        let mut lines = vec!["---- a::b stdout ----"];
        lines.extend(many.iter().map(String::as_str));
        let kept = told(&lines);
        assert_eq!(kept[0].first().map(String::as_str), Some("---- a::b stdout ----"));
        assert_eq!(kept[0].last().map(String::as_str), Some("line 499"));
        assert_eq!(kept[0].len(), LINES + 1);
    }
}
