//! `cargo xtask`: everything one does with this repository, one file per
//! command. Each command is a list of named stages (`stages.rs`); what a stage
//! makes lands under `target/`, with a stamp that lets a second run skip it.

mod bench;
mod ci;
mod cluster;
mod configuration;
mod current;
mod demo;
mod errors;
mod fuzz;
mod generate;
mod licences;
mod livekit;
mod machine;
mod postgres;
mod process;
mod python;
mod server;
mod stages;
mod tally;
mod test;
mod told;
mod walls;
mod web;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// The tasks of this repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the pages and the server, then run a whole clinic on this machine.
    Demo {
        /// Passed on to `bedside demo`, as in `cargo xtask demo --listen 127.0.0.1:9000`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Every test: Rust on SQLite and Postgres, pages, SDK peers, browsers.
    Test {
        /// Only these parts.
        #[arg(long, value_enum)]
        only: Vec<test::Part>,
        /// Only calls at a LiveKit cluster: short for `--only cluster`.
        #[arg(long, conflicts_with = "only")]
        cluster: bool,
    },
    /// What a change must pass: formatting, lints, licences, spelling, generated files, all tests.
    Ci {
        /// Leave out the tests.
        #[arg(long)]
        checks: bool,
    },
    /// Write the generated files anew: the OpenAPI document, the TypeScript types, the configuration reference.
    Gen,
    /// Hostile input for as long as told: mutated requests and media, and Schemathesis against a whole server.
    Fuzz {
        /// About how long, in all.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
    /// Measure, and write docs/benchmarks.md.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let root = root();
    let done = match Cli::parse().command {
        Task::Demo { args } => demo::run(&root, &args),
        Task::Test { cluster: true, .. } => test::run(&root, &[test::Part::Cluster]),
        Task::Test { only, .. } => test::run(&root, &only),
        Task::Ci { checks } => ci::run(&root, checks),
        Task::Gen => generate::run(&root),
        Task::Fuzz { minutes } => fuzz::run(&root, minutes),
        Task::Bench(options) => bench::run(&root, &options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder: two above this crate's.
fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root.pop();
    root
}
