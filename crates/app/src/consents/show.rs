//! Who agreed to what, for the person, those who care for them, and those who
//! treat them.

use bedside_model::{Phi, UserId, permission::Action};
use bedside_store::{
    Conn, Sealed, Vault,
    consents::{self, Consent, Text},
    users,
};
use serde::{Deserialize, Serialize};

use crate::{Actor, App, Error, Result, authz, users::Which};

/// Most consents that are listed of one person.
const MOST: i64 = 500;

/// A consent as it is shown.
#[derive(Debug, Clone)]
pub struct ConsentView {
    /// Its row.
    pub row: Consent,
    /// The kind of the document.
    pub kind: String,
    /// What was agreed to.
    pub text: Text,
    /// Is it the version that the clinic asks for now?
    pub is_current: bool,
    /// The name that was typed; empty for a drawn signature.
    pub typed_name: Phi<String>,
    /// Network address of the request.
    pub address: Phi<String>,
    /// Whoever agreed.
    pub given_by_name: Phi<String>,
}

/// What is sealed of a consent.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Content {
    /// Empty for a drawn signature.
    pub typed_name: String,
    /// Empty outside requests.
    pub address: String,
}

fn context(id: &str) -> String {
    format!("consents.content:{id}")
}

impl Content {
    pub(super) fn seal(&self, vault: &Vault, id: &str) -> Result<Sealed> {
        let text = serde_json::to_string(self).map_err(Error::internal)?;
        Ok(vault.seal_text(&context(id), &text)?)
    }

    fn open(vault: &Vault, row: &Consent) -> Result<Self> {
        let text = vault.open_text(&context(&row.id), &row.content)?;
        serde_json::from_str(&text).map_err(Error::internal)
    }
}

/// Somebody's consents, the newest first.
///
/// # Errors
/// 401, 403, 404.
pub async fn list(app: &App, actor: &Actor, which: Which) -> Result<Vec<ConsentView>> {
    let person = which.resolve(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    authz::person(&mut conn, actor, person, Action::ConsentsRead).await?;
    let missing = || Error::not_found("user");
    users::find(&mut conn, &actor.account, person).await?.ok_or_else(missing)?;
    app.reads.note(app, actor, person, "consents.list");
    let rows = consents::list(&mut conn, &actor.account, person, MOST).await?;
    show(&mut conn, actor, &vault, person, rows).await
}

pub(super) async fn show_one(
    conn: &mut Conn,
    actor: &Actor,
    vault: &Vault,
    row: Consent,
) -> Result<ConsentView> {
    let person = row.user;
    let mut views = show(conn, actor, vault, person, vec![row]).await?;
    views.pop().ok_or_else(|| Error::not_found("consent"))
}

async fn show(
    conn: &mut Conn,
    actor: &Actor,
    vault: &Vault,
    person: UserId,
    rows: Vec<Consent>,
) -> Result<Vec<ConsentView>> {
    let account = &actor.account;
    let documents = consents::list_documents(conn, account).await?;
    let texts = consents::list_agreed_texts(conn, account, person).await?;
    let mut names = std::collections::HashMap::new();
    for id in rows.iter().map(|row| row.given_by).collect::<std::collections::BTreeSet<_>>() {
        let found = users::find(conn, account, id).await?;
        names.insert(id, found.map(|user| user.profile.reveal().full_name()).unwrap_or_default());
    }
    rows.into_iter()
        .map(|row| {
            let lost = || Error::not_found("consent");
            let document = documents.iter().find(|one| one.id == row.document).ok_or_else(lost)?;
            let text = texts.iter().find(|text| {
                text.document == row.document
                    && text.version == row.version
                    && text.said.language == row.language
            });
            let content = Content::open(vault, &row)?;
            Ok(ConsentView {
                kind: document.kind.clone(),
                text: text.ok_or_else(lost)?.clone(),
                is_current: document.retired_at.is_none() && document.version == row.version,
                typed_name: content.typed_name.into(),
                address: content.address.into(),
                given_by_name: names.get(&row.given_by).cloned().unwrap_or_default().into(),
                row,
            })
        })
        .collect()
}
