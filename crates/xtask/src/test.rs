//! `cargo xtask test`: every test there is. Installs what a fresh Debian
//! machine lacks.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::{cluster, machine, postgres, process, python, server, stages::Stages, tally::Tally, web};

/// A part of the tests, for `--only`.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Rust tests; the integration suite on SQLite.
    Rust,
    /// The integration suite on Postgres.
    Postgres,
    /// Types and unit tests of the pages.
    Web,
    /// Whole visits in a browser against the real binary.
    Browser,
    /// Calls at a LiveKit cluster, where Go is installed.
    Cluster,
}

/// Runs the tests, or only some parts of them.
pub fn run(root: &Path, only: &[Part]) -> Result<()> {
    let mut stages = Stages::new();
    let mut tally = Tally::default();
    add(root, only, &mut stages, &mut tally);
    finish(stages, tally)
}

/// Adds the stages of the tests to those of a larger command.
pub fn add(root: &Path, only: &[Part], stages: &mut Stages, tally: &mut Tally) {
    let wanted = |part: Part| only.is_empty() || only.contains(&part);

    let machine = stages.run("machine", || machine::ensure(&needs(&wanted), true));
    let packages = stages.after(machine, "web packages", || web::install(root));
    if wanted(Part::Web) {
        stages.after(packages, "web types", || process::run(&mut web::script(root, "check")));
        stages.after(packages, "web unit tests", || counted(&mut web::script(root, "test"), tally));
    }
    let mut built = stages.after(packages, "web build", || web::build(root));
    let rust = [Part::Rust, Part::Postgres, Part::Browser, Part::Cluster];
    if !rust.into_iter().any(wanted) {
        return;
    }
    built = stages.after(built, "build of the server and all tests", || server::build_tests(root));
    let sdk = (wanted(Part::Rust) || wanted(Part::Cluster))
        && stages.after(built, "Python environment", || python::install(root));
    if wanted(Part::Rust) {
        stages.after(built && sdk, "Rust tests, on SQLite", || {
            let mut run = |mut tests: Command| {
                tests.env("BEDSIDE_BIN", server::binary(root));
                counted(tests.env("BEDSIDE_TEST_PYTHON", python::interpreter(root)), tally)
            };
            let together = run(rust_tests(root));
            let mut tests = process::cargo(root);
            alone(&mut tests);
            run(tests).and(together)
        });
    }
    if wanted(Part::Postgres) {
        stages.after(built, "integration suite, on Postgres", || on_postgres(root, tally));
    }
    if wanted(Part::Cluster) {
        stages.after(built && sdk, "calls at a LiveKit cluster", || cluster::run(root, tally));
    }
    if wanted(Part::Browser) {
        stages.after(built, "browser tests", || {
            let mut suite = web::script(root, "e2e");
            suite.env("BEDSIDE_BIN", server::binary(root));
            if let Some(chromium) = process::find("chromium") {
                suite.env("BEDSIDE_CHROMIUM", chromium);
            }
            counted(&mut suite, tally)
        });
    }
}

/// Prints the table of stages and, as the last line, the count of tests.
pub fn finish(stages: Stages, tally: Tally) -> Result<()> {
    tally.told.print();
    let result = stages.finish();
    println!("\n{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    result?;
    if tally.failed > 0 {
        bail!("{} tests failed, though their runner ended well.", tally.failed);
    }
    if tally.passed == 0 {
        bail!("No test ran.");
    }
    Ok(())
}

fn needs(wanted: &impl Fn(Part) -> bool) -> Vec<&'static machine::Need> {
    let mut needs = vec![&machine::COMPILER, &machine::NODE];
    if wanted(Part::Rust) || wanted(Part::Cluster) {
        needs.push(&machine::PYTHON);
        needs.push(&machine::FFMPEG);
    }
    if wanted(Part::Postgres) {
        needs.push(&machine::POSTGRES);
    }
    if wanted(Part::Browser) {
        needs.push(&machine::CHROMIUM);
    }
    needs
}

/// Tests whose peers film, speak and listen in real time. They get the machine
/// to themselves: beside others the peers themselves fall out of step, and
/// others wait for them.
const ALONE: &[&str] = &["call_crowd::", "recordings::two_people_", "recordings_crash::"];

/// [`ALONE`], one after the other.
fn alone(tests: &mut Command) {
    tests.args(["test", "--workspace", "--no-fail-fast", "--test", "it", "--", "--test-threads", "1"]);
    tests.args(ALONE);
}

/// Leaves [`ALONE`] out.
fn without_alone(tests: &mut Command) {
    tests.arg("--").args(ALONE.iter().flat_map(|name| ["--skip", name]));
}

/// All other Rust tests: with nextest where it is installed, else with cargo
/// itself.
fn rust_tests(root: &Path) -> Command {
    let mut tests = process::cargo(root);
    if process::find("cargo-nextest").is_some() {
        tests.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        tests.args(["test", "--workspace", "--no-fail-fast"]);
    }
    without_alone(&mut tests);
    tests
}

/// The integration suite once more, and the store's own tests of both engines.
/// `--workspace` keeps cargo's choice of
/// features, and so every compiled crate, the same as in the run before.
fn on_postgres(root: &Path, tally: &mut Tally) -> Result<()> {
    let cluster = postgres::Cluster::start(&server::target(root))?;
    let mut run = |arguments: fn(&mut Command)| {
        let mut tests = process::cargo(root);
        arguments(&mut tests);
        tests.env("BEDSIDE_BIN", server::binary(root)).env("BEDSIDE_TEST_POSTGRES", &cluster.url);
        counted(&mut tests, tally)
    };
    let together = run(|tests| {
        tests.args(["test", "--workspace", "--no-fail-fast", "--test", "it"]);
        without_alone(tests);
    });
    let store = run(|tests| {
        tests.args(["test", "--workspace", "--no-fail-fast", "--lib", "--", "_tests::"]);
    });
    let outcome = run(alone).and(together).and(store);
    if outcome.is_err() {
        eprintln!("What Postgres said:\n{}", cluster.last_words());
    }
    outcome
}

fn counted(command: &mut Command, tally: &mut Tally) -> Result<()> {
    process::watch(command, |line| tally.see(line))
}
