//! `bedside account create` makes a clinic and shows its secrets once;
//! `bedside account portal` says where its portal is.

use bedside_app::{
    Actor,
    accounts::{self, Create, Portal},
};
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
    /// Say where the clinic's portal is; what is left out stays as it is.
    Portal(Way),
}

#[derive(Debug, Args)]
struct Way {
    /// The account's code.
    #[arg(long)]
    code: String,
    /// What the way back to the portal is called.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where the way back leads.
    #[arg(long, value_name = "URL")]
    return_url: Option<String>,
    /// Origins that a `return_url` of a sign-in may have besides the portal's
    /// own; replaces the whole list.
    #[arg(long, value_name = "ORIGIN")]
    allow_return: Vec<String>,
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
        match self.command {
            Command::Create(new) => new.run(config).await,
            Command::Portal(way) => way.run(config).await,
        }
    }
}

impl Way {
    async fn run(self, config: &Config) -> Result<(), Failure> {
        let app = boot::open_app(config, Surroundings::default()).await?;
        let account = accounts::get_by_code(&app, &self.code).await?;
        let portal = Portal {
            name: self.name.unwrap_or(account.portal_name),
            return_url: self.return_url.unwrap_or(account.portal_return_url),
            return_origins: if self.allow_return.is_empty() {
                account.return_origins
            } else {
                self.allow_return
            },
        };
        let now = accounts::update_portal(&app, &Actor::system(account.id), portal).await?;
        println!("Portal          {}", now.portal_name);
        println!("Way back        {}", now.portal_return_url);
        println!("Also allowed    {}", now.return_origins.join(" "));
        app.store.close().await;
        Ok(())
    }
}

impl New {
    async fn run(self, config: &Config) -> Result<(), Failure> {
        let new = self;
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
