//! The copy of a consent that is filed for the person: what was agreed to, in
//! the language it was read in, and how it was signed.

use bedside_model::{AccountId, At};
use bedside_store::{
    Conn, accounts,
    consents::{Document, Text},
};
use bytes::Bytes;
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    Error, Result,
    pdf::{self, About, Block},
};

/// How it was signed.
pub(super) struct Signed {
    /// Whom it is for.
    pub patient: String,
    /// Who agreed.
    pub signer: String,
    /// What they typed; empty for a drawing.
    pub typed_name: String,
    /// What they drew.
    pub drawing: Option<Bytes>,
    /// Network address of the request.
    pub address: String,
    /// When.
    pub at: At,
}

/// A document and what it is called.
pub(super) struct Copy {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// What stands around the clinic's own text, in its language where we have it.
struct Words {
    agreed: &'static str,
    person: &'static str,
    by: &'static str,
    name: &'static str,
    drawn: &'static str,
    at: &'static str,
    from: &'static str,
    version: &'static str,
}

const ENGLISH: Words = Words {
    agreed: "Agreed",
    person: "For",
    by: "Agreed by",
    name: "Name as typed",
    drawn: "Signed by hand; the drawing is filed beside this copy, SHA-256",
    at: "On",
    from: "From the network address",
    version: "Version",
};

const SPANISH: Words = Words {
    agreed: "Aceptado",
    person: "Para",
    by: "Aceptado por",
    name: "Nombre escrito",
    drawn: "Firmado a mano; el dibujo está archivado junto a esta copia, SHA-256",
    at: "El",
    from: "Desde la dirección de red",
    version: "Versión",
};

/// Sets the copy.
pub(super) async fn document(
    conn: &mut Conn,
    account: &AccountId,
    document: &Document,
    text: &Text,
    signed: Signed,
) -> Result<Copy> {
    let account = accounts::find(conn, account).await?.ok_or_else(|| Error::not_found("account"))?;
    let words = if text.said.language.to_ascii_lowercase().starts_with("es") { SPANISH } else { ENGLISH };
    let at =
        Timestamp::from_second(signed.at.seconds()).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    let mut lines =
        vec![format!("{}: {}", words.person, signed.patient), format!("{}: {}", words.by, signed.signer)];
    if !signed.typed_name.is_empty() {
        lines.push(format!("{}: {}", words.name, signed.typed_name));
    }
    if let Some(png) = &signed.drawing {
        lines.push(format!("{} {}", words.drawn, crate::signatures::sha256(png)));
    }
    lines.push(format!("{}: {}", words.at, at.strftime("%Y-%m-%d %H:%M:%S %Z")));
    if !signed.address.is_empty() {
        lines.push(format!("{}: {}", words.from, signed.address));
    }
    let mut foot =
        format!("{} {}, {}, SHA-256 {}", words.version, document.version, document.kind, text.hash);
    if !text.said.url.is_empty() {
        foot = format!("{}\n{foot}", text.said.url);
    }
    let blocks = vec![
        Block::Title(text.said.title.clone()),
        Block::Text(account.name.clone()),
        Block::Text(text.said.text.clone()),
        Block::Heading(words.agreed.to_owned()),
        Block::Text(lines.join("\n")),
        Block::Small(foot),
    ];
    let about =
        About { title: text.said.title.clone(), language: text.said.language.clone(), foot: account.name };
    let bytes = pdf::set(about, blocks).await?;
    Ok(Copy { name: format!("{} {}.pdf", text.said.title, at.strftime("%Y-%m-%d")), bytes })
}
