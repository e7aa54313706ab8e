//! Agreeing: once, to the newest version, by the person or whoever cares for
//! them. What is kept: who, for whom, to what, when, from where, how it was
//! signed, and a copy on paper. None of it ever changes.

use base64::{Engine, engine::general_purpose::STANDARD};
use bedside_model::{
    Phi, UserId,
    consent::{self, MAX_NAME, MAX_SIGNATURE_BYTES, TOS},
    event::{ConsentData, EventData, EventType},
    file::{Category, Kind},
    permission::{Action, Relation, Relations},
};
use bedside_store::{
    Conn,
    consents::{self, Consent, Document},
    files as stored_files, users, visits,
};
use bytes::Bytes;

use super::{
    paper,
    show::{ConsentView, Content, show_one},
};
use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    files, images,
    users::Which,
};

/// A drawn signature is kept no larger than this, in pixels.
const SIGNATURE_SIZE: (u32, u32) = (1200, 600);

/// What somebody agrees to, and how they sign.
#[derive(Debug, Clone, Default)]
pub struct Give {
    /// The document.
    pub document: String,
    /// The version that they have read.
    pub version: i64,
    /// The languages that they read it in, the dearest first.
    pub languages: Vec<String>,
    /// Their name, as they typed it.
    pub typed_name: Option<Phi<String>>,
    /// What they drew: a PNG in base64, also as a `data:` URL.
    pub signature_image: Option<Phi<String>>,
}

impl Give {
    fn checked(mut self) -> Result<Self> {
        let Some(name) = self.typed_name.take() else {
            return match self.signature_image {
                Some(_) => Ok(self),
                None => Err(Error::field("signature", "is required: a typed name, or a drawing as PNG")),
            };
        };
        let name = consent::clean(name.reveal(), MAX_NAME).map_err(|why| Error::field("typed_name", why))?;
        let name = name.replace(['\n', '\t'], " ");
        if name.is_empty() {
            return Err(Error::field("typed_name", "must not be empty"));
        }
        self.typed_name = Some(name.into());
        Ok(self)
    }

    /// What was drawn, made anew by us: no more than its picture is kept.
    async fn drawn(&self) -> Result<Option<Bytes>> {
        let Some(sent) = &self.signature_image else { return Ok(None) };
        let bad = || Error::field("signature_image", "use a PNG in base64 of at most 70000 bytes");
        let text = sent.reveal().trim();
        let text = text.strip_prefix("data:image/png;base64,").unwrap_or(text);
        let bytes = STANDARD.decode(text).map_err(|_| bad())?;
        if bytes.is_empty() || bytes.len() > MAX_SIGNATURE_BYTES {
            return Err(bad());
        }
        let turn = images::turn().await?;
        match images::resize(turn, bytes, Kind::Png, SIGNATURE_SIZE).await {
            Ok(png) => Ok(Some(png)),
            Err(Error::Invalid { .. }) => Err(bad()),
            Err(other) => Err(other),
        }
    }
}

/// How the caller stands to the person: as `authz` says, and the holder of a
/// visit's link as its patient.
async fn may_give(conn: &mut Conn, actor: &Actor, person: UserId) -> Result<Relations> {
    let mut relations = authz::to_person(conn, actor, person).await?;
    if let Some(id) = actor.link() {
        let visit = visits::find(conn, &actor.account, id).await?;
        let own = visit.is_some_and(|visit| visit.member == person);
        relations = relations.with(Relation::Myself, own);
    }
    authz::judge(actor, relations, Action::ConsentGive, Action::UserRead, "user")?;
    Ok(relations)
}

/// The document that somebody may agree to in this version.
async fn find_open(conn: &mut Conn, actor: &Actor, command: &Give) -> Result<Document> {
    let found = consents::find_document(conn, &actor.account, &command.document).await?;
    let document = found.filter(|document| document.retired_at.is_none());
    let document = document.ok_or_else(|| Error::field("document_id", "there is no such document"))?;
    if document.version != command.version {
        let said = "There is another version of this document by now. Read that one.";
        return Err(Error::invalid("consent_outdated", said)
            .with("document_id", document.id)
            .with("version", document.version));
    }
    Ok(document)
}

/// Agrees, for oneself or for somebody in one's care. A second time changes
/// nothing: the first stays.
///
/// # Errors
/// 401, 403, 404, 400 naming the field, `consent_outdated` with the version
/// that counts.
pub async fn add(app: &App, actor: &Actor, which: Which, command: Give) -> Result<ConsentView> {
    let person = which.resolve(actor)?;
    let (given_by, _) = authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let account = &actor.account;
    let missing = || Error::not_found("user");
    let user = users::find(&mut conn, account, person).await?.ok_or_else(missing)?;
    let relations = may_give(&mut conn, actor, person).await?;
    let known = consents::find(&mut conn, account, person, &command.document, command.version).await?;
    if let Some(known) = known {
        return show_one(&mut conn, actor, &vault, known).await;
    }
    let command = command.checked()?;
    let document = find_open(&mut conn, actor, &command).await?;
    let texts = consents::list_texts(&mut conn, account, &document.id, document.version).await?;
    let view = super::pick(document, texts, &command.languages)
        .ok_or_else(|| Error::field("document_id", "there is no such document"))?;
    let (document, text) = (view.document, view.text);
    let (agreed, version) = (document.id.clone(), document.version);
    let drawn = command.drawn().await?;
    let now = app.clock.now();
    let signer = users::find(&mut conn, account, given_by).await?.ok_or_else(missing)?;
    let content = Content {
        typed_name: command.typed_name.clone().map(Phi::into_inner).unwrap_or_default(),
        address: actor.address.clone(),
    };
    let signed = paper::Signed {
        patient: user.profile.reveal().full_name(),
        signer: signer.profile.reveal().full_name(),
        typed_name: content.typed_name.clone(),
        drawing: drawn.clone(),
        address: content.address.clone(),
        at: now,
    };
    let copy = paper::document(&mut conn, account, &document, &text, signed).await?;
    drop(conn);
    let filed = Category::UserConsent;
    let file = files::prepare_for(app, actor, &copy.name, &copy.bytes, (person, filed)).await?;
    let signature = match &drawn {
        Some(png) => match files::prepare_for(app, actor, "Signature.png", png, (person, filed)).await {
            Ok(signature) => Some(signature),
            Err(error) => {
                files::discard(app, &file).await;
                return Err(error);
            }
        },
        None => None,
    };
    let id = app.random.uuid(now);
    let row = Consent {
        content: content.seal(&vault, &id)?,
        id,
        account: account.clone(),
        user: person,
        given_by,
        document: document.id.clone(),
        version: document.version,
        language: text.said.language.clone(),
        file: file.id.clone(),
        signature_file: signature.as_ref().map(|file| file.id.clone()),
        created_at: now,
    };
    let guardian = relations.has(Relation::Guardian).then_some(given_by);
    let kept: Vec<_> = std::iter::once(file).chain(signature).collect();
    let (owner, caller, all) = (app.clone(), actor.clone(), kept.clone());
    let written = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let account = &caller.account;
                // The clinic may publish, or the same click come twice, meanwhile.
                find_open(tx, &caller, &command).await?;
                if let Some(known) = consents::find(tx, account, person, &row.document, row.version).await? {
                    return Ok::<_, Error>(Some(known));
                }
                for file in &all {
                    stored_files::add(tx, file).await?;
                    files::tell(tx, &owner, EventType::FileCreated, file, None).await?;
                }
                consents::add(tx, &row).await?;
                if document.kind == TOS {
                    users::accept_terms(tx, account, person, now).await?;
                }
                let told = ConsentData {
                    document_id: document.id.clone(),
                    kind: document.kind.clone(),
                    version: document.version,
                };
                let data = EventData {
                    consent: Some(told),
                    guardian_id: guardian.map(|id| id.to_string()),
                    ..EventData::default()
                };
                let subject = Subject { user: Some(person), data, ..Subject::default() };
                events::append(tx, &owner, account, EventType::UserConsentGiven, subject).await?;
                audit::write(tx, &owner, &caller, "consents.add", ("consent", row.id.clone())).await?;
                Ok(None)
            })
        })
        .await;
    let lost = match &written {
        Ok(known) => known.is_some(),
        Err(_) => true,
    };
    if lost {
        for file in &kept {
            files::discard(app, file).await;
        }
    }
    match written {
        // On Postgres two clicks may pass each other; the constraint keeps one.
        Err(error) if !error.is_unique("consents", "user_id, document_id, version") => return Err(error),
        _ => {}
    }
    let mut conn = app.store.reader().await?;
    let row = consents::find(&mut conn, account, person, &agreed, version).await?;
    show_one(&mut conn, actor, &vault, row.ok_or_else(|| Error::not_found("consent"))?).await
}
