//! The command line: one file per command. Every failure is one plain sentence
//! on standard error and exit code 1.

mod account;
mod account_delete;
mod admin;
mod audit;
mod backup;
mod demo;
mod doctor;
mod health;
mod keys;
mod migrate;
mod openapi;
mod serve;
mod token;

use std::{fmt, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    boot::StartError,
    config::{self, Config, ConfigError, Sources},
};

#[derive(Debug, Parser)]
#[command(name = "bedside", version, about = "A telehealth clinic in one binary.")]
struct Arguments {
    /// Configuration file [or BEDSIDE_CONFIG].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Run a whole clinic with demo people on this machine.
    Demo(demo::Demo),
    /// Bring the database up to date and say where it stands.
    Migrate,
    /// Make accounts (clinics).
    Account(account::Account),
    /// Let an account's first admin set a password.
    Admin(admin::Admin),
    /// Make tokens for the HTTP API.
    Token(token::Token),
    /// Change the master key while the server runs.
    Keys(keys::Keys),
    /// Copy everything but the master key into a folder, while the server runs.
    Backup(backup::Backup),
    /// Put a backup in the place of an empty database.
    Restore(backup::Restore),
    /// Check that nobody tampered with the audit trail.
    Audit(audit::Audit),
    /// Print the OpenAPI document of the HTTP API.
    Openapi,
    /// Check this machine and configuration, and say how to fix what is wrong.
    Doctor,
    /// Ask the running server whether it is well; exit code 0 or 1.
    Health,
}

/// What ended a command: one sentence for the person at the terminal.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! failure_from {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        })*
    };
}

failure_from!(ConfigError, StartError, std::io::Error, serde_json::Error, String);

impl From<bedside_app::Error> for Failure {
    fn from(error: bedside_app::Error) -> Self {
        match error {
            // Who runs the command line may see what happened.
            bedside_app::Error::Internal(cause) => Self(format!("{cause:?}")),
            other => Self(other.to_string()),
        }
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bedside: the runtime cannot start: {error}.");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(arguments));
    // A blocking task that hangs must not keep a stopped server alive.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("bedside: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let sources = Sources::of_process(arguments.config);
    match arguments.command {
        Command::Serve(serve) => serve.run(sources).await?,
        Command::Demo(demo) => demo.run(sources).await?,
        Command::Migrate => migrate::run(&load(&sources)?).await?,
        Command::Account(account) => account.run(&load(&sources)?).await?,
        Command::Admin(admin) => admin.run(&load(&sources)?).await?,
        Command::Token(token) => token.run(&load(&sources)?).await?,
        Command::Keys(keys) => keys.run(&load(&sources)?).await?,
        Command::Backup(backup) => backup.run(&load(&sources)?).await?,
        Command::Restore(restore) => restore.run(sources).await?,
        Command::Audit(audit) => return audit.run(&load(&sources)?).await,
        Command::Openapi => openapi::run(&load(&sources)?)?,
        Command::Doctor => return doctor::run(&sources).await,
        Command::Health => return health::run(&load(&sources)?).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn load(sources: &Sources) -> Result<Config, Failure> {
    Ok(config::load(sources)?)
}

/// Where the first admin sets a password, on a server of this configuration.
fn setup_link(config: &Config, token: &str) -> String {
    format!("{}/admin/setup?token={token}", config.server.base_url(config.server.listen))
}

/// Prints JSON, or lines of names and values, for people.
fn print(json: bool, values: &[(&str, &str, &str)]) -> Result<(), Failure> {
    if json {
        let object: serde_json::Map<_, _> =
            values.iter().map(|(key, _, value)| ((*key).to_owned(), (*value).into())).collect();
        println!("{}", serde_json::to_string_pretty(&object)?);
        return Ok(());
    }
    for (_, label, value) in values {
        println!("{label:<16}{value}");
    }
    Ok(())
}
