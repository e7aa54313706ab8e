//! `bedside account delete CODE --yes`: an account and everything in it, gone.

use bedside_app::erasure;
use clap::Args;

use super::Failure;
use crate::{
    boot::{self, Surroundings},
    config::Config,
    logs,
};

#[derive(Debug, Args)]
pub(super) struct Delete {
    /// The account's code.
    code: String,
    /// Really do it: there is no way back.
    #[arg(long)]
    yes: bool,
}

impl Delete {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        if !self.yes {
            return Err(Failure(format!(
                "This destroys the key and everything of {}: people, visits, files, audit trail. \
                 If that is meant, say so with --yes.",
                self.code
            )));
        }
        // The one trace that stays is a line in the log.
        logs::start(&config.log)?;
        let app = boot::open_app(config, Surroundings::default()).await?;
        let done = erasure::erase(&app, &self.code).await;
        app.store.close().await;
        let done = done?;
        if done.resumed {
            println!("A deletion had been cut off; it went on.");
        }
        println!("Deleted         {} with {} rows and all files", self.code, done.rows);
        println!(
            "\nBackups from before hold it still, and the key that opens them is in those backups' master key."
        );
        Ok(())
    }
}
