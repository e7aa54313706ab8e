//! `bedside account create` makes a clinic and shows its secrets once; `list`
//! shows the clinics; `portal` says where one's portal is; `update` sets up the
//! rest.

use bedside_app::{
    Actor,
    accounts::{self, Create, Portal, Update},
};
use bedside_model::AccountId;
use clap::{Args, Subcommand};

use super::{Failure, account_delete, print, setup_link};
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
    /// Show the accounts of this server.
    List(All),
    /// Say where the clinic's portal is; what is left out stays as it is.
    Portal(Way),
    /// Set an account up; what is left out stays as it is.
    Update(Change),
    /// Delete an account and everything in it, for good.
    Delete(account_delete::Delete),
}

#[derive(Debug, Args)]
struct All {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Change {
    /// The account's code.
    #[arg(long)]
    code: String,
    /// The clinic's name, as patients read it.
    #[arg(long)]
    name: Option<String>,
    /// Title of its pages; empty takes the name.
    #[arg(long, value_name = "TITLE")]
    portal_title: Option<String>,
    /// Host of the clinic's own portal; empty for none.
    #[arg(long, value_name = "HOST")]
    domain: Option<String>,
    /// May a portal sign people in?
    #[arg(long, value_name = "on|off", value_parser = switch)]
    sso: Option<bool>,
    /// Must single sign-on come with the API secret?
    #[arg(long, value_name = "on|off", value_parser = switch)]
    require_secret: Option<bool>,
    /// Origins whose pages may call the API; replaces the whole list, an empty
    /// text empties it.
    #[arg(long, value_name = "ORIGIN")]
    cors_origin: Vec<String>,
    /// Origins whose pages may show the clinic's calls in a frame; replaces the
    /// whole list, an empty text empties it.
    #[arg(long, value_name = "ORIGIN")]
    embed_origin: Vec<String>,
    /// Largest file in bytes; 0 takes the server's own limit.
    #[arg(long, value_name = "BYTES")]
    max_file_bytes: Option<i64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn switch(word: &str) -> Result<bool, String> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("say on or off".to_owned()),
    }
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
    /// A clinic to try things in: it writes to nobody, its time can be moved.
    #[arg(long)]
    test: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Account {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        match self.command {
            Command::Create(new) => new.run(config).await,
            Command::List(all) => all.run(config).await,
            Command::Portal(way) => way.run(config).await,
            Command::Update(change) => change.run(config).await,
            Command::Delete(delete) => delete.run(config).await,
        }
    }
}

impl All {
    async fn run(self, config: &Config) -> Result<(), Failure> {
        const PAGE: i64 = 100;
        let app = boot::open_app(config, Surroundings::default()).await?;
        // The list of clinics is nobody's own.
        let actor = Actor::system(AccountId(String::new()));
        let mut rows = Vec::new();
        loop {
            let (page, total) = accounts::list(&app, &actor, rows.len() as i64, PAGE).await?;
            let is_last = page.is_empty();
            rows.extend(page.into_iter().map(|account| (account.code, account.name)));
            if is_last || rows.len() as i64 >= total {
                break;
            }
        }
        app.store.close().await;
        if self.json {
            let list: Vec<_> =
                rows.iter().map(|(code, name)| serde_json::json!({ "code": code, "name": name })).collect();
            println!("{}", serde_json::to_string_pretty(&list)?);
            return Ok(());
        }
        for (code, name) in rows {
            println!("{code:<24}{name}");
        }
        Ok(())
    }
}

impl Change {
    async fn run(self, config: &Config) -> Result<(), Failure> {
        let app = boot::open_app(config, Surroundings::default()).await?;
        let account = accounts::get_by_code(&app, &self.code).await?;
        let origins = |list: Vec<String>| {
            let named = |origin: &String| !origin.trim().is_empty();
            (!list.is_empty()).then(|| list.into_iter().filter(named).collect::<Vec<_>>())
        };
        let command = Update {
            name: self.name,
            portal_title: self.portal_title,
            domain: self.domain,
            sso_enabled: self.sso,
            require_api_secret: self.require_secret,
            cors_origins: origins(self.cors_origin),
            embed_origins: origins(self.embed_origin),
            max_file_bytes: self.max_file_bytes,
            ..Update::default()
        };
        let now = accounts::update(&app, &Actor::system(account.id), None, command).await?.account;
        let word = |on: bool| if on { "on" } else { "off" };
        let limit = now.max_file_bytes.map_or_else(|| "the server's".to_owned(), |bytes| bytes.to_string());
        print(
            self.json,
            &[
                ("account_code", "Account code", &now.code),
                ("name", "Name", &now.name),
                ("portal_title", "Title", &now.portal_title),
                ("domain", "Domain", &now.domain),
                ("sso", "Single sign-on", word(now.sso_enabled)),
                ("require_secret", "Needs secret", word(now.require_api_secret)),
                ("cors_origins", "CORS origins", &now.cors_origins.join(" ")),
                ("embed_origins", "Embedding origins", &now.embed_origins.join(" ")),
                ("max_file_bytes", "Largest file", &limit),
            ],
        )?;
        app.store.close().await;
        Ok(())
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
            test: new.test,
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
