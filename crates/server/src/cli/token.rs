//! `bedside token create`: a further admin token for the HTTP API.

use bedside_app::{Actor, accounts, tokens};
use clap::{Args, Subcommand};

use super::{Failure, print};
use crate::{
    boot::{self, Surroundings},
    config::Config,
};

#[derive(Debug, Args)]
pub(super) struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token and print it once.
    Create(New),
}

#[derive(Debug, Args)]
struct New {
    /// Code of the account.
    #[arg(long, value_name = "CODE")]
    account: String,
    /// An admin token: it may do what the clinic's admins may.
    #[arg(long, required = true)]
    admin: bool,
    /// What it is for, as the list of tokens shows it.
    #[arg(long, default_value = "command line")]
    name: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Token {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let Command::Create(new) = self.command;
        let app = boot::open_app(config, Surroundings::default()).await?;
        let account = accounts::get_by_code(&app, &new.account).await?;
        let token = tokens::create_admin(&app, &Actor::system(account.id), &new.name).await?;
        print(
            new.json,
            &[("account_code", "Account code", &account.code), ("admin_token", "Admin token", &token)],
        )?;
        app.store.close().await;
        Ok(())
    }
}
