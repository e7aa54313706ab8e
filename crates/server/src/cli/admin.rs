//! `bedside admin link`: a new one-time link for an account's first admin.

use bedside_app::{Actor, accounts};
use clap::{Args, Subcommand};

use super::{Failure, print, setup_link};
use crate::{
    boot::{self, Surroundings},
    config::Config,
};

#[derive(Debug, Args)]
pub(super) struct Admin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a link where the first admin sets a password; works for 24 hours.
    Link(Link),
}

#[derive(Debug, Args)]
struct Link {
    /// Code of the account.
    #[arg(long, value_name = "CODE")]
    account: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Admin {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let Command::Link(link) = self.command;
        let app = boot::open_app(config, Surroundings::default()).await?;
        let account = accounts::get_by_code(&app, &link.account).await?;
        let (username, token) = accounts::admin_link(&app, &Actor::system(account.id)).await?;
        print(
            link.json,
            &[
                ("admin_username", "First admin", &username),
                ("admin_link", "One-time link", &setup_link(config, &token)),
            ],
        )?;
        app.store.close().await;
        Ok(())
    }
}
