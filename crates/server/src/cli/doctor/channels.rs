//! On which ways each clinic can call people back: patients are offered to leave
//! the waiting room only on ways that somebody has tried.

use bedside_model::notification::Channel;
use bedside_store::{Schema, Store, accounts, notifications};

use super::{
    Finding,
    Finding::{Fine, Note},
    broken,
};
use crate::config::{Config, SmsKind};

/// Most clinics that are looked at.
const MOST: i64 = 100;

/// The ways that are set up, with their names for people.
fn ways(config: &Config) -> Vec<(Channel, &'static str)> {
    let all = [(Channel::Mail, "mail"), (Channel::Sms, "SMS"), (Channel::Push, "push")];
    let sms = config.sms.kind != SmsKind::Off;
    all.into_iter().filter(|(channel, _)| *channel != Channel::Sms || sms).collect()
}

/// Which ways were not tried yet, or did not work, clinic by clinic.
pub(super) async fn tried(config: &Config) -> Finding {
    if config.store.sqlite_path().is_some_and(|path| !path.exists()) {
        return Note("no clinic yet".to_owned());
    }
    let settings = bedside_store::Settings {
        schema: Schema::Require,
        ..bedside_store::Settings::new(config.store.url.expose())
    };
    let Ok(store) = Store::open(&settings).await else {
        return Note("not looked at: see database".to_owned());
    };
    let looked = look(&store, &ways(config)).await;
    store.close().await;
    match looked {
        Ok(clinics) if clinics.is_empty() => {
            Fine("every clinic has tried its ways to call people".to_owned())
        }
        Ok(clinics) => Note(format!(
            "{}; patients are not offered these to be called back (try them under Notifications in the admin pages, or POST /notifications/test)",
            clinics.join("; ")
        )),
        Err(error) => broken(error.to_string(), "Check store.url, and that the database runs."),
    }
}

/// A line for each clinic that has something left to try.
async fn look(store: &Store, ways: &[(Channel, &str)]) -> bedside_store::Result<Vec<String>> {
    let mut conn = store.reader().await?;
    let mut lines = Vec::new();
    for account in accounts::list(&mut conn, MOST, 0).await? {
        let tests = notifications::list_tests(&mut conn, &account.id).await?;
        let of = |channel: Channel| tests.iter().find(|test| test.channel == channel);
        let named = |wanted: &dyn Fn(Channel) -> bool| -> Vec<&str> {
            ways.iter().filter(|(channel, _)| wanted(*channel)).map(|(_, name)| *name).collect()
        };
        let untested = named(&|channel| of(channel).is_none());
        let failed = named(&|channel| of(channel).is_some_and(|test| !test.works));
        let mut said = Vec::new();
        if !untested.is_empty() {
            said.push(format!("untested: {}", untested.join(", ")));
        }
        if !failed.is_empty() {
            said.push(format!("last test failed: {}", failed.join(", ")));
        }
        if !said.is_empty() {
            lines.push(format!("{} ({})", account.code, said.join("; ")));
        }
    }
    Ok(lines)
}
