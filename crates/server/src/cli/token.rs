//! `bedside token create`: a further admin token for the HTTP API.

use bedside_app::{Actor, accounts, api_apps::AddToken, tokens};
use bedside_model::scope::Scopes;
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
    /// What it is limited to, as in users:read,visits:read; left out, nothing.
    #[arg(long, value_delimiter = ',', value_name = "SCOPES")]
    scopes: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// None for no limit.
fn scopes(words: &[String]) -> Result<Option<Scopes>, String> {
    if words.is_empty() {
        return Ok(None);
    }
    Scopes::parse(words.iter().map(|word| word.trim()))
        .map(Some)
        .map_err(|word| format!("{word} is no scope."))
}

impl Token {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let Command::Create(new) = self.command;
        let app = boot::open_app(config, Surroundings::default()).await?;
        let account = accounts::get_by_code(&app, &new.account).await?;
        let command = AddToken { name: new.name, scopes: scopes(&new.scopes)? };
        let made = tokens::create_admin(&app, &Actor::system(account.id), command).await?;
        print(
            new.json,
            &[("account_code", "Account code", &account.code), ("admin_token", "Admin token", &made.token)],
        )?;
        app.store.close().await;
        Ok(())
    }
}
