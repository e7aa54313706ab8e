//! `bedside backup FOLDER`: everything but the master key, while the server
//! runs. `bedside restore FOLDER`: back, in the place of nothing.

use std::path::{Path, PathBuf};

use bedside_app::{
    Clock,
    backup::{self, Done},
};
use bedside_store::{MasterKey, Schema, Settings, Store};
use clap::Args;

use super::{Failure, load};
use crate::{
    boot,
    config::{Config, Sources},
};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// A new or empty folder.
    folder: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// A folder that `bedside backup` wrote.
    folder: PathBuf,
    /// Folder that gets the data (a SQLite file and the contents of files), in
    /// the place of the settings store.url and files.url.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl From<backup::Error> for Failure {
    fn from(error: backup::Error) -> Self {
        let text = error.to_string();
        let mut letters = text.chars();
        // A path stays as it is written.
        let first = letters.next().map(|first| {
            if text.starts_with("the ") || text.starts_with("this ") {
                first.to_ascii_uppercase()
            } else {
                first
            }
        });
        Self(first.into_iter().chain(letters).chain(['.']).collect())
    }
}

impl Backup {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let (settings, files) = boot::places(config)?;
        let settings = Settings { schema: Schema::Require, ..settings };
        if config.store.sqlite_path().is_some_and(|path| !path.exists()) {
            return Err(Failure("There is no database yet: nothing to back up.".to_owned()));
        }
        let store = Store::open(&settings).await.map_err(boot::StartError::from)?;
        let now = Clock::System.now();
        let done = backup::write(&store, &settings, files.as_deref(), &self.folder, now).await;
        store.close().await;
        report("Backed up", done?, &self.folder);
        if files.is_none() {
            println!(
                "The contents of files lie in a bucket and are not in it: back that up by its own means."
            );
        }
        about_the_key(config);
        Ok(())
    }
}

fn report(what: &str, done: Done, folder: &Path) {
    let Done { accounts, files, bytes } = done;
    let mib = bytes.div_ceil(1024 * 1024);
    println!("{what} {accounts} accounts and {files} files, {mib} MiB, {}", folder.display());
}

fn about_the_key(config: &Config) {
    println!(
        "\nThe master key is NOT in it. Without the key nobody, not even you, can read what patients wrote."
    );
    if !config.keys.master_key.is_empty() {
        println!("It stands in the setting keys.master_key: keep a copy in another place than the backup.");
        return;
    }
    let path = std::path::absolute(&config.keys.master_key_file);
    let path = path.unwrap_or_else(|_| config.keys.master_key_file.clone());
    println!("Copy it to another place than the backup, with:");
    println!("  cp -p '{}' /PLACE/OF/YOUR/OWN/", path.display());
}

impl Restore {
    pub(super) async fn run(self, sources: Sources) -> Result<(), Failure> {
        let data = self.data.as_deref();
        let sources = sources
            .flag("store.url", data.map(|data| format!("sqlite:{}", data.join("bedside.db").display())))
            .flag("files.url", data.map(|data| format!("dir:{}", data.join("files").display())));
        let config = load(&sources)?;
        let (settings, files) = boot::places(&config)?;
        let master = if config.keys.master_key.is_empty() {
            // Never made anew: a new key would open nothing.
            let file = &config.keys.master_key_file;
            MasterKey::load(file).map_err(|error| {
                Failure(format!("The master key of this backup must be in place first: {error}."))
            })?
        } else {
            boot::master_key(&config)?
        };
        let done = backup::restore(&settings, files.as_deref(), &master, &self.folder).await?;
        report("Restored", done, &self.folder);
        Ok(())
    }
}
