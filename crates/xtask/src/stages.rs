//! Named steps of a command: each prints its name and how long it took, and a
//! table at the end says which of them failed.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// The steps of one command, in the order in which they ran.
pub struct Stages {
    began: Instant,
    done: Vec<(String, Duration, Outcome)>,
}

impl Stages {
    pub fn new() -> Self {
        Self { began: Instant::now(), done: Vec::new() }
    }

    /// Runs a step and says whether it passed. A failure is printed and kept
    /// for the end, so that one run tells everything that is wrong.
    pub fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        eprintln!("\n== {name}");
        let began = Instant::now();
        let result = step();
        let took = began.elapsed();
        let outcome = match result {
            Ok(()) => {
                eprintln!("-- {name}: {}", seconds(took));
                Outcome::Passed
            }
            Err(error) => {
                eprintln!("-- {name}: FAILED after {}: {error:#}", seconds(took));
                Outcome::Failed
            }
        };
        let passed = matches!(outcome, Outcome::Passed);
        self.done.push((name.to_owned(), took, outcome));
        passed
    }

    /// Runs a step only if what it builds on passed.
    pub fn after(&mut self, ready: bool, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        if ready {
            return self.run(name, step);
        }
        self.done.push((name.to_owned(), Duration::ZERO, Outcome::Skipped));
        false
    }

    /// Prints the table. An error when any step failed.
    pub fn finish(self) -> Result<()> {
        let width = self.done.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        eprintln!("\nStages");
        let mut failed = Vec::new();
        for (name, took, outcome) in &self.done {
            let word = match outcome {
                Outcome::Passed => "",
                Outcome::Failed => "  FAILED",
                Outcome::Skipped => "  skipped: a stage before it failed",
            };
            eprintln!("  {name:width$}  {:>9}{word}", seconds(*took));
            if matches!(outcome, Outcome::Failed) {
                failed.push(name.as_str());
            }
        }
        eprintln!("  {:width$}  {:>9}", "total", seconds(self.began.elapsed()));
        if failed.is_empty() { Ok(()) } else { bail!("Failed: {}", failed.join(", ")) }
    }
}

fn seconds(took: Duration) -> String {
    let whole = took.as_secs();
    if whole < 60 {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_kept_and_what_builds_on_it_is_skipped() {
        let mut stages = Stages::new();
        assert!(stages.run("good", || Ok(())));
        let built = stages.run("bad", || bail!("broken"));
        let mut ran = false;
        assert!(!stages.after(built, "later", || {
            ran = true;
            Ok(())
        }));
        assert!(!ran);
        let message = stages.finish().expect_err("one stage failed").to_string();
        assert_eq!(message, "Failed: bad");
    }

    #[test]
    fn long_durations_are_told_in_minutes() {
        assert_eq!(seconds(Duration::from_millis(1_540)), "1.5 s");
        assert_eq!(seconds(Duration::from_secs(187)), "3 min 07 s");
    }
}
