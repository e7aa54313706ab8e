//! Interpreters: the clinic's contacts, and finding one of them for a visit.
//! `search` asks one contact after another, `letter` is what the contact who was
//! asked sees and says.

mod letter;
mod search;

use bedside_model::{
    AccountId,
    interpreter::{Contact, Fault, MAX_CONTACTS, language},
    permission::Action,
};
use bedside_store::{
    Conn,
    interpreters::{self, Interpreter},
};

use crate::{Actor, App, Error, Result, audit, authz};

pub use letter::{Asked, Entered, Standing, accept, decline, find};
pub(crate) use letter::{Letter, asked_by_notification};
pub use search::{NEXT_JOB, SearchView, ask, cancel, get, next};

fn named((field, why): Fault) -> Error {
    Error::field(field, why)
}

/// The clinic's contacts in the order in which they are asked; of a language,
/// those whom a visit in it would ask.
///
/// # Errors
/// 401, 403, 400 naming `language`.
pub async fn list(app: &App, actor: &Actor, wanted: Option<&str>) -> Result<Vec<Interpreter>> {
    authz::account(actor, Action::InterpretersRead)?;
    let wanted = wanted.map(tag).transpose()?;
    let mut conn = app.store.reader().await?;
    let mut found = interpreters::list(&mut conn, &actor.account).await?;
    if let Some(wanted) = wanted {
        found.retain(|one| one.contact.active && one.contact.speaks(&wanted));
    }
    Ok(found)
}

/// A language as the tag it is kept as.
fn tag(text: &str) -> Result<String> {
    language(text).ok_or_else(|| Error::field("language", "use a tag of BCP 47, such as es, pt-BR or ase"))
}

/// A language in English words, for a letter or a page: `Portuguese (pt-BR)`. A
/// tag that nobody knows stands for itself.
#[must_use]
pub fn language_name(tag: &str) -> String {
    let primary = tag.split('-').next().unwrap_or_default();
    let known = isolang::Language::from_639_1(primary).or_else(|| isolang::Language::from_639_3(primary));
    match known.map(|language| language.to_name()) {
        Some(name) if primary.len() == tag.len() => name.to_owned(),
        Some(name) => format!("{name} ({tag})"),
        None => tag.to_owned(),
    }
}

/// The languages that somebody interprets now, each once, in alphabetical order:
/// what a patient can be offered.
pub(crate) async fn languages(conn: &mut Conn, account: &AccountId) -> Result<Vec<String>> {
    let spoken = interpreters::list(conn, account).await?.into_iter().filter(|one| one.contact.active);
    let mut tags: Vec<String> = spoken.flat_map(|one| one.contact.languages).collect();
    tags.sort_unstable();
    tags.dedup();
    Ok(tags)
}

/// Adds a contact.
///
/// # Errors
/// 401, 403, 400 naming a field, `too_many_interpreters`.
pub async fn add(app: &App, actor: &Actor, contact: Contact) -> Result<Interpreter> {
    authz::account(actor, Action::InterpretersManage)?;
    let now = app.clock.now();
    let contact = contact.checked().map_err(named)?;
    let new = Interpreter { id: app.random.uuid(now), contact, listed: true };
    let (owner, caller, row) = (app.clone(), actor.clone(), new.clone());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let known = interpreters::list(tx, &caller.account).await?.len();
                if i64::try_from(known).is_ok_and(|known| known >= MAX_CONTACTS) {
                    let why = "A clinic keeps at most 500 interpreters.";
                    return Err(Error::invalid("too_many_interpreters", why));
                }
                interpreters::add(tx, &caller.account, &row, now).await?;
                audit::write(tx, &owner, &caller, "interpreters.add", ("interpreter", row.id)).await
            })
        })
        .await?;
    Ok(new)
}

/// What is changed of a contact; none leaves it.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// What the others in the call read.
    pub name: Option<String>,
    /// Where they are asked.
    pub email: Option<String>,
    /// Where they are asked too; empty for none.
    pub phone: Option<String>,
    /// What they speak.
    pub languages: Option<Vec<String>>,
    /// Lower ones are asked first.
    pub order: Option<i64>,
    /// May be asked now.
    pub active: Option<bool>,
}

impl Update {
    /// The contact with what was sent.
    #[must_use]
    pub fn of(self, contact: Contact) -> Contact {
        Contact {
            name: self.name.unwrap_or(contact.name),
            email: self.email.unwrap_or(contact.email),
            phone: self.phone.unwrap_or(contact.phone),
            languages: self.languages.unwrap_or(contact.languages),
            order: self.order.unwrap_or(contact.order),
            active: self.active.unwrap_or(contact.active),
        }
    }
}

/// Changes a contact; unsent fields stay.
///
/// # Errors
/// 401, 403, 404, 400 naming a field.
pub async fn update(app: &App, actor: &Actor, id: &str, update: Update) -> Result<Interpreter> {
    authz::account(actor, Action::InterpretersManage)?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let unknown = || Error::not_found("interpreter");
                let found = interpreters::find(tx, &caller.account, &id).await?.ok_or_else(unknown)?;
                let contact = update.of(found.contact).checked().map_err(named)?;
                let changed = Interpreter { contact, ..found };
                if !interpreters::update(tx, &caller.account, &changed, owner.clock.now()).await? {
                    return Err(unknown());
                }
                audit::write(tx, &owner, &caller, "interpreters.update", ("interpreter", id)).await?;
                Ok(changed)
            })
        })
        .await
}

/// Takes a contact off the list. Who is being asked may still answer.
///
/// # Errors
/// 401, 403, 404.
pub async fn retire(app: &App, actor: &Actor, id: &str) -> Result<()> {
    authz::account(actor, Action::InterpretersManage)?;
    let (owner, caller, id, now) = (app.clone(), actor.clone(), id.to_owned(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if !interpreters::retire(tx, &caller.account, &id, now).await? {
                    return Err(Error::not_found("interpreter"));
                }
                audit::write(tx, &owner, &caller, "interpreters.retire", ("interpreter", id)).await
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::language_name;

    #[test]
    fn languages_have_names() {
        for (tag, name) in [
            ("es", "Spanish"),
            ("pt-BR", "Portuguese (pt-BR)"),
            ("ase", "American Sign Language"),
            ("zh-Hant", "Chinese (zh-Hant)"),
            ("qqq", "qqq"),
        ] {
            assert_eq!(language_name(tag), name);
        }
    }
}
