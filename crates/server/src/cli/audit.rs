//! `bedside audit verify`: is the audit trail whole?

use std::process::ExitCode;

use bedside_app::{
    App,
    audit_trail::{self, Fault, Head, Verified},
};
use clap::{Args, Subcommand};

use super::Failure;
use crate::{
    boot::{self, Surroundings},
    config::Config,
};

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look for changed, removed or swapped entries; exit code 1 when there are.
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Verify {
    /// The account's code; every account if left out.
    #[arg(long)]
    code: Option<String>,
    /// What an earlier check printed as this account's head, as 120:9f0c….
    #[arg(long, value_name = "HEAD", requires = "code", value_parser = parse_head)]
    head: Option<Head>,
}

/// `120:9f0c…`
fn parse_head(text: &str) -> Result<Head, String> {
    let wrong = || "a head looks like 120:9f0c…, as `bedside audit verify` prints it".to_owned();
    let (position, hash) = text.split_once(':').ok_or_else(wrong)?;
    let hash = data_encoding::HEXLOWER_PERMISSIVE.decode(hash.as_bytes()).map_err(|_| wrong())?;
    if hash.len() != 32 {
        return Err(wrong());
    }
    Ok(Head { position: position.parse().map_err(|_| wrong())?, hash })
}

impl Audit {
    pub(super) async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let Command::Verify(verify) = self.command;
        let app = boot::open_app(config, Surroundings::default()).await?;
        let whole = verify.run(&app).await;
        app.store.close().await;
        Ok(if whole? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Verify {
    async fn run(self, app: &App) -> Result<bool, Failure> {
        let codes = match self.code {
            Some(code) => vec![code],
            None => audit_trail::codes(app).await?,
        };
        let mut whole = true;
        for code in codes {
            let found = audit_trail::verify(app, &code, self.head.as_ref()).await?;
            whole &= found.fault.is_none();
            report(&code, &found);
        }
        Ok(whole)
    }
}

fn report(code: &str, found: &Verified) {
    let head = data_encoding::HEXLOWER.encode(&found.head.hash);
    let position = found.head.position;
    match &found.fault {
        None => println!(
            "ok    {code}: {position} entries, {} not chained yet, head {position}:{head}",
            found.waiting
        ),
        Some(fault) => println!("FAIL  {code}: {}", sentence(fault)),
    }
}

fn sentence(fault: &Fault) -> String {
    match fault {
        Fault::Altered { id, position } => {
            format!("entry {position} ({id}) was changed, or is not the one that stood there")
        }
        Fault::Removed { position } => format!("entry {position} was removed"),
        Fault::CutOff { expected, found } => {
            format!("the last entries were removed: {found} are there, {expected} were")
        }
        Fault::NotSealed => "entries were added or changed without the clinic's key".to_owned(),
        Fault::HeadAltered => "the sealed end of the chain was changed".to_owned(),
        Fault::HeadMissing => "the sealed end of the chain was removed".to_owned(),
    }
}
