//! Calls at a LiveKit cluster: the integration tests that need a real one.
//! LiveKit's server comes by Go's ordinary client, Redis from Debian; each test
//! starts two nodes of its own on this machine. Where one of them is not to be
//! had, the tests are skipped by name.

use std::path::Path;

use anyhow::Result;

use crate::{livekit, machine, process, python, server, tally::Tally};

/// The tests, as filters of their names.
const TESTS: [&str; 2] = ["calls_cluster::", "calls_conformance::"];

/// Runs them, or says why not.
pub fn run(root: &Path, tally: &mut Tally) -> Result<()> {
    let livekit = match ready(root) {
        Ok(livekit) => livekit,
        Err(why) => {
            eprintln!("skipped: calls at a LiveKit cluster: {why}");
            tally.skipped += 1;
            return Ok(());
        }
    };
    let mut tests = process::cargo(root);
    // As many features as in the run before, so that nothing is built anew;
    // few tests at once, since each has a cluster of its own.
    tests.args(["test", "--workspace", "--no-fail-fast", "--test", "it", "--"]).args(TESTS);
    tests.args(["--test-threads", "2"]);
    tests.env("BEDSIDE_BIN", server::binary(root)).env("BEDSIDE_TEST_LIVEKIT", livekit);
    tests.env("BEDSIDE_TEST_PYTHON", python::interpreter(root));
    process::watch(&mut tests, |line| tally.see(line))
}

fn ready(root: &Path) -> Result<std::path::PathBuf, String> {
    machine::ensure(&[&machine::REDIS], true).map_err(|error| error.to_string())?;
    livekit::install(root)
}
