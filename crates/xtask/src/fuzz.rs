//! `cargo xtask fuzz`: hostile input for as long as told. What every test run
//! tries a bounded number of times: mutated seeds of `fuzz/corpus` against
//! everything that reads requests, the media node's parsers, and Schemathesis
//! against a whole server, each on its share of the time.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{machine, process, python, server, stages::Stages, web};

/// Cases of each property of the media node's parsers, per minute of the whole.
const MEDIA_CASES_PER_MINUTE: u64 = 2000;
/// Seeds of each simulated bad line, per minute of the whole; there are nine,
/// and a run of one takes about a fifth of a second.
const SEEDS_PER_MINUTE: u64 = 12;
/// What `fuzz/fuzz_targets` holds.
const TARGETS: [&str; 4] = ["media_datagram", "media_payload", "media_request", "media_description"];
/// Callers as whom Schemathesis runs, one after the other.
const CALLERS: u64 = 5;

/// The media node's targets, led by what they cover, where the machine has
/// cargo-fuzz and the nightly toolchain that it needs.
fn covered(root: &Path, seconds: u64) -> Result<()> {
    let fuzz = || {
        let mut fuzz = Command::new("cargo");
        fuzz.current_dir(root).args(["+nightly", "fuzz"]);
        fuzz
    };
    let is_here = fuzz().arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_here {
        eprintln!("skipped: no cargo-fuzz with a nightly toolchain here; the corpus was mutated without it");
        return Ok(());
    }
    for target in TARGETS {
        let each = format!("-max_total_time={}", (seconds / TARGETS.len() as u64).max(1));
        process::run(fuzz().args(["run", target, "--", &each]))?;
    }
    Ok(())
}

pub fn run(root: &Path, minutes: u64) -> Result<()> {
    let seconds = minutes.max(1) * 60;
    let mut stages = Stages::new();
    let needs = [&machine::COMPILER, &machine::NODE, &machine::PYTHON];
    let machine = stages.run("machine", || machine::ensure(&needs, true));
    let packages = stages.after(machine, "web packages", || web::install(root));
    let pages = stages.after(packages, "web build", || web::build(root));
    let built = stages.after(pages, "build of the server and all tests", || server::build_tests(root));
    stages.after(built, "requests, mutated", || {
        let mut tests = process::cargo(root);
        tests.args(["test", "--workspace", "--lib", "hostile_tests"]);
        // Four targets side by side.
        process::run(tests.env("BEDSIDE_FUZZ_SECONDS", (seconds / 3).to_string()))
    });
    stages.after(built, "media, mutated", || {
        let mut tests = process::cargo(root);
        tests.args(["test", "--workspace", "--test", "sim", "hostile"]);
        process::run(tests.env("PROPTEST_CASES", (minutes.max(1) * MEDIA_CASES_PER_MINUTE).to_string()))
    });
    stages.after(built, "media, from the corpus", || {
        let mut tests = process::cargo(root);
        tests.args(["test", "--workspace", "--test", "sim", "corpus::"]);
        process::run(tests.env("BEDSIDE_FUZZ_SECONDS", (seconds / 3).to_string()))
    });
    stages.after(built, "media, by cargo fuzz", || covered(root, seconds / 3));
    stages.after(built, "bad lines, simulated", || {
        let mut tests = process::cargo(root);
        tests.args(["test", "--workspace", "--test", "sim", "lines::"]);
        process::run(tests.env("BEDSIDE_SIM_SEEDS", (minutes.max(1) * SEEDS_PER_MINUTE).to_string()))
    });
    let tools = stages.after(built, "Python environment", || python::install(root));
    stages.after(tools, "Schemathesis", || {
        let mut tests = process::cargo(root);
        tests.args(["test", "--workspace", "--test", "it", "schemathesis::", "--", "--nocapture"]);
        tests.env("BEDSIDE_TEST_PYTHON", python::interpreter(root));
        process::run(tests.env("BEDSIDE_FUZZ_SECONDS", (seconds / 3 / CALLERS).max(1).to_string()))
    });
    stages.finish()
}
