//! `bedside account create`: makes a clinic and shows its secrets once.

use bedside_app::accounts::{self, Create};
use clap::{Args, Subcommand};

use super::{Failure, print, setup_link};
use crate::{
    boot::{self, Surroundings},
    config::Config,
};

#[derive(Debug, Args)]
pub(super) struct Account {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an account; prints its key, secret, admin token and a one-time link.
    Create(New),
}

#[derive(Debug, Args)]
struct New {
    /// Short name that API clients send: lower-case letters, digits, hyphens.
    #[arg(long)]
    code: String,
    /// The clinic's name, as patients read it.
    #[arg(long)]
    name: String,
    /// What the way back to the clinic's portal is called.
    #[arg(long, value_name = "NAME", default_value = "")]
    portal_name: String,
    /// Where the way back to the clinic's portal leads.
    #[arg(long, value_name = "URL", default_value = "")]
    portal_return_url: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Account {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let Command::Create(new) = self.command;
        let app = boot::open_app(config, Surroundings::default()).await?;
        let command = Create {
            code: new.code,
            name: new.name,
            portal_name: new.portal_name,
            portal_return_url: new.portal_return_url,
        };
        let created = accounts::create(&app, command).await?;
        print(
            new.json,
            &[
                ("account_code", "Account code", &created.account.code),
                ("name", "Name", &created.account.name),
                ("api_key", "API key", &created.api_key),
                ("api_secret", "API secret", &created.api_secret),
                ("admin_token", "Admin token", &created.admin_token),
                ("admin_username", "First admin", &created.admin_username),
                ("admin_link", "One-time link", &setup_link(config, &created.admin_link_token)),
            ],
        )?;
        if !new.json {
            println!("\nThese are shown once; keep them. The link works for 24 hours.");
        }
        app.store.close().await;
        Ok(())
    }
}
