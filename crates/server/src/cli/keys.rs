//! `bedside keys rotate`: a new master key, while the server runs.

use std::path::Path;

use bedside_app::keys;
use clap::{Args, Subcommand};

use super::Failure;
use crate::{
    boot::{self, Surroundings},
    config::Config,
};

#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new master key and wrap every clinic's key with it.
    Rotate(Rotate),
}

#[derive(Debug, Args)]
struct Rotate {
    /// Drop the key from before the rotation out of the key file.
    #[arg(long)]
    finish: bool,
}

impl Keys {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let Command::Rotate(rotate) = self.command;
        if !config.keys.master_key.is_empty() {
            return Err(Failure(
                "The master key stands in the setting keys.master_key: put it into a file \
                 (keys.master_key_file) before it can be changed."
                    .to_owned(),
            ));
        }
        let file = &config.keys.master_key_file;
        if !file.exists() {
            return Err(Failure(format!("There is no master key at {}: nothing to change.", file.display())));
        }
        let app = boot::open_app(config, Surroundings::default()).await?;
        let done = if rotate.finish { finish(&app, file).await } else { begin(&app, file).await };
        app.store.close().await;
        done
    }
}

async fn begin(app: &bedside_app::App, file: &Path) -> Result<(), Failure> {
    let done = keys::rotate(app, file).await?;
    if done.resumed {
        println!("A rotation was under way; it went on with the key it had made.");
    }
    println!("Master key      {} in {}", done.key, file.display());
    println!("Wrapped anew    {} accounts", done.accounts);
    println!("\nRunning servers on this machine find the new key by themselves; copy the file to others.");
    println!("Copy it apart from the data. Then drop the old key with: bedside keys rotate --finish");
    Ok(())
}

async fn finish(app: &bedside_app::App, file: &Path) -> Result<(), Failure> {
    let done = keys::finish(app, file).await?;
    println!("Master key      {} in {}, alone", done.key, file.display());
    println!("\nBackups from before the rotation need the old key: keep its copy as long as them.");
    Ok(())
}
