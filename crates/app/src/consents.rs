//! Consent: what a clinic asks people to agree to. Its documents and their
//! versions are here; agreeing is in `give`, who agreed to what in `show`, what a
//! visit needs in `gate`, the copy that is filed in `paper`.

mod gate;
mod give;
mod paper;
mod show;

use bedside_model::{
    consent::{self, Publication, Translation},
    permission::Action,
};
use bedside_store::{
    Conn, Tx, accounts,
    consents::{self, Document, Text},
};

use crate::{Actor, App, Error, Result, audit, authz, credentials, signatures};

pub(crate) use gate::{check_new, check_visit};
pub use give::{Give, add};
pub use show::{ConsentView, list};

/// A document as somebody reads it.
#[derive(Debug, Clone)]
pub struct DocumentView {
    /// Its row.
    pub document: Document,
    /// The version that is shown, in the reader's language.
    pub text: Text,
    /// That version in all its languages, the clinic's own first.
    pub texts: Vec<Text>,
}

/// A version to publish.
#[derive(Debug, Clone, Default)]
pub struct Publish {
    /// `tos`, `consent`, or a word of the clinic's own.
    pub kind: String,
    /// In every language, the clinic's own first.
    pub translations: Vec<Translation>,
}

fn pick(document: Document, texts: Vec<Text>, wanted: &[String]) -> Option<DocumentView> {
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let available: Vec<&str> = texts.iter().map(|text| text.said.language.as_str()).collect();
    let text = texts.get(consent::pick(&wanted, &available)?)?.clone();
    Some(DocumentView { document, text, texts })
}

/// What a clinic asks for by this kind now, in the first of the wanted languages
/// that there is; none when it asks for nothing. Open to everybody; without a
/// code it is the caller's own clinic.
///
/// # Errors
/// 404 `account_unknown`, 400 `account_missing`.
pub async fn current(
    app: &App,
    actor: &Actor,
    code: Option<&str>,
    kind: &str,
    languages: &[String],
) -> Result<Option<DocumentView>> {
    let mut conn = app.store.reader().await?;
    let account = match code {
        Some(code) => accounts::find_by_code(&mut conn, code).await?,
        None if actor.account == credentials::no_account() => return Err(credentials::account_missing()),
        None => accounts::find(&mut conn, &actor.account).await?,
    };
    let account = account.ok_or_else(|| Error::not_found("account"))?.id;
    let Some(document) = consents::find_of_kind(&mut conn, &account, kind).await? else { return Ok(None) };
    if document.retired_at.is_some() {
        return Ok(None);
    }
    let texts = consents::list_texts(&mut conn, &account, &document.id, document.version).await?;
    Ok(pick(document, texts, languages))
}

/// A document of the caller's clinic, in the newest version or the one that is
/// named. Open to everybody: whoever agreed once may read it again.
///
/// # Errors
/// 404.
pub async fn get(
    app: &App,
    actor: &Actor,
    id: &str,
    version: Option<i64>,
    languages: &[String],
) -> Result<DocumentView> {
    let missing = || Error::not_found("consent_document");
    let mut conn = app.store.reader().await?;
    let document = consents::find_document(&mut conn, &actor.account, id).await?.ok_or_else(missing)?;
    let version = version.unwrap_or(document.version);
    let texts = consents::list_texts(&mut conn, &actor.account, &document.id, version).await?;
    pick(document, texts, languages).ok_or_else(missing)
}

/// The clinic's documents in their newest versions, retired ones too.
///
/// # Errors
/// 401, 403.
pub async fn list_documents(app: &App, actor: &Actor) -> Result<Vec<DocumentView>> {
    authz::account(actor, Action::AccountManage)?;
    let mut conn = app.store.reader().await?;
    let documents = consents::list_documents(&mut conn, &actor.account).await?;
    let texts = consents::list_newest_texts(&mut conn, &actor.account).await?;
    let view = |document: Document| {
        let own = texts.iter().filter(|text| text.document == document.id).cloned().collect();
        pick(document, own, &[])
    };
    Ok(documents.into_iter().filter_map(view).collect())
}

/// Publishes a document. A changed text is a new version, to which everybody has
/// to agree anew; the same text is not, and a further language is only added.
///
/// # Errors
/// 401, 403, 400 naming the field, `too_many_documents`.
pub async fn publish(app: &App, actor: &Actor, command: Publish) -> Result<DocumentView> {
    authz::account(actor, Action::AccountManage)?;
    let command = command.checked()?;
    let (owner, caller) = (app.clone(), actor.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                // Two that are published at once get one number after the other.
                crate::accounts::lock(tx, &caller.account).await?;
                command.publish_in(tx, &owner, &caller).await
            })
        })
        .await
}

impl Publish {
    fn checked(mut self) -> Result<Self> {
        if !consent::is_kind(&self.kind) {
            return Err(Error::field("kind", "use 1 to 32 lower-case letters, digits and underscores"));
        }
        if self.translations.is_empty() || self.translations.len() > consent::MAX_LANGUAGES {
            return Err(Error::field("translations", "use 1 to 30 languages"));
        }
        let mut seen: Vec<String> = Vec::new();
        for one in &mut self.translations {
            if !consent::is_language(&one.language) {
                return Err(Error::field("language", "use a language tag, such as en or pt-BR"));
            }
            let tag = one.language.to_ascii_lowercase();
            if seen.contains(&tag) {
                return Err(Error::field("translations", "must not have a language twice"));
            }
            seen.push(tag);
            one.title = consent::clean(&one.title, consent::MAX_TITLE)
                .map_err(|why| Error::field("title", why))?
                .replace(['\n', '\t'], " ");
            one.text =
                consent::clean(&one.text, consent::MAX_TEXT).map_err(|why| Error::field("text", why))?;
            one.url = address(&one.url)?;
            if one.title.is_empty() {
                return Err(Error::field("title", "is required"));
            }
            if one.text.is_empty() {
                return Err(Error::field(
                    "text",
                    "is required: what people agree to is kept with the consent",
                ));
            }
        }
        Ok(self)
    }

    async fn publish_in(self, tx: &mut Tx, app: &App, actor: &Actor) -> Result<DocumentView> {
        let (account, now) = (&actor.account, app.clock.now());
        let known = consents::find_of_kind(tx, account, &self.kind).await?;
        let texts = match &known {
            Some(document) => consents::list_texts(tx, account, &document.id, document.version).await?,
            None => Vec::new(),
        };
        let current: Vec<Translation> = texts.iter().map(|text| text.said.clone()).collect();
        let retired = known.as_ref().is_some_and(|document| document.retired_at.is_some());
        let publication = match consent::publication(&current, &self.translations) {
            // What was taken back and is published again is asked for anew.
            _ if retired => Publication::New,
            publication => publication,
        };
        let mut document = match known {
            Some(document) => document,
            None if i64::try_from(consents::list_documents(tx, account).await?.len())
                .is_ok_and(|count| count >= consent::MAX_KINDS) =>
            {
                return Err(Error::invalid(
                    "too_many_documents",
                    "A clinic has at most 50 kinds of documents.",
                ));
            }
            None => {
                let document = Document {
                    id: app.random.uuid(now),
                    account: account.clone(),
                    kind: self.kind.clone(),
                    version: 0,
                    retired_at: None,
                    created_at: now,
                    updated_at: now,
                };
                consents::add_document(tx, &document).await?;
                document
            }
        };
        let (first, added) = match publication {
            Publication::Known => return read(tx, document).await,
            Publication::Further(further) => (current.len(), further),
            Publication::New => {
                document.version += 1;
                (0, self.translations)
            }
        };
        document.retired_at = None;
        document.updated_at = now;
        consents::set_version(tx, &document).await?;
        for (at, said) in added.into_iter().enumerate() {
            let text = Text {
                id: app.random.uuid(now),
                document: document.id.clone(),
                version: document.version,
                position: i64::try_from(first + at).unwrap_or(i64::MAX),
                hash: hash(&said),
                said,
                created_by: actor.user(),
                created_at: now,
            };
            consents::add_text(tx, account, &text).await?;
        }
        let object = ("consent_document", document.id.clone());
        audit::write(tx, app, actor, "consents.publish", object).await?;
        read(tx, document).await
    }
}

async fn read(conn: &mut Conn, document: Document) -> Result<DocumentView> {
    let texts = consents::list_texts(conn, &document.account, &document.id, document.version).await?;
    pick(document, texts, &[]).ok_or_else(|| Error::not_found("consent_document"))
}

/// Takes a document back: nobody is asked for it any more. What was agreed to
/// stays, and can be read.
///
/// # Errors
/// 401, 403, 404.
pub async fn retire(app: &App, actor: &Actor, id: &str) -> Result<DocumentView> {
    authz::account(actor, Action::AccountManage)?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                crate::accounts::lock(tx, &caller.account).await?;
                let found = consents::find_document(tx, &caller.account, &id).await?;
                let mut document = found.ok_or_else(|| Error::not_found("consent_document"))?;
                if document.retired_at.is_none() {
                    let now = owner.clock.now();
                    (document.retired_at, document.updated_at) = (Some(now), now);
                    consents::set_version(tx, &document).await?;
                    let object = ("consent_document", id);
                    audit::write(tx, &owner, &caller, "consents.retire", object).await?;
                }
                read(tx, document).await
            })
        })
        .await
}

fn address(url: &str) -> Result<String> {
    let url = url.trim();
    if url.is_empty() {
        return Ok(String::new());
    }
    let whole = url::Url::parse(url).ok().filter(|parsed| {
        parsed.scheme() == "https"
            && parsed.has_host()
            && parsed.username().is_empty()
            && parsed.password().is_none()
    });
    match whole {
        Some(_) if url.len() <= 2048 => Ok(url.to_owned()),
        _ => Err(Error::field("url", "use an https URL")),
    }
}

/// What stands for a text: nobody can show another one later.
fn hash(said: &Translation) -> String {
    let parts = [&said.language, &said.title, &said.text, &said.url];
    signatures::sha256(parts.map(|part| format!("{}:{part}", part.len())).concat().as_bytes())
}
