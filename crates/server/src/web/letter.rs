//! The pages behind links in letters that nobody has to sign in for: one
//! question, one button. A link is opened by scanners too, so looking changes
//! nothing; the button posts to the same address.

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use bedside_app::{App, Error};

use super::{
    Web,
    notice::{self, Words},
};
use crate::http::{Client, RequestId};

/// What a link in a letter leads to.
pub(super) trait Asks: Sized + Send {
    /// The link is not ours, or does not count.
    const UNKNOWN: Words<'static>;

    /// Whom the link names; changes nothing.
    fn find(app: &App, who: &str) -> impl Future<Output = Result<Option<Self>, Error>> + Send;
    /// Does what the button says.
    fn answer(&self, app: &App, by: (String, String)) -> impl Future<Output = Result<(), Error>> + Send;
    /// It was done before.
    fn is_done(&self) -> bool;
    /// The question, with its button.
    fn question(&self) -> Words<'static>;
    /// What is said once it is done.
    fn thanks(&self) -> Words<'static>;
}

pub(super) const FAILED: Words<'static> = Words {
    language: "en",
    title: "This did not work just now",
    sentence: "Nothing was changed. Wait a moment and open the link again.",
    button: None,
};

/// What a query or a form says in a field; empty for nothing.
pub(super) fn field(text: Option<&str>, wanted: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(text.unwrap_or_default().as_bytes());
    pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

async fn read<T: Asks>(web: &Web, client: &Client, query: Option<&str>) -> Result<T, Response> {
    if let Some(seconds) = (web.gate)(client.addr) {
        return Err(notice::busy(seconds));
    }
    match T::find(&web.app, &field(query, "who")).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(notice::words(StatusCode::NOT_FOUND, &T::UNKNOWN)),
        Err(error) => Err(failed(&error)),
    }
}

fn failed(error: &Error) -> Response {
    tracing::error!(?error, "a link in a letter could not be followed");
    notice::words(StatusCode::SERVICE_UNAVAILABLE, &FAILED)
}

/// The page with the button.
pub(super) async fn ask<T: Asks>(
    State(web): State<Web>,
    client: Client,
    RawQuery(query): RawQuery,
) -> Response {
    match read::<T>(&web, &client, query.as_deref()).await {
        Ok(found) if found.is_done() => notice::words(StatusCode::OK, &found.thanks()),
        Ok(found) => notice::words(StatusCode::OK, &found.question()),
        Err(refused) => refused,
    }
}

/// The button, or a mail program.
pub(super) async fn answer<T: Asks>(
    State(web): State<Web>,
    client: Client,
    Extension(id): Extension<RequestId>,
    RawQuery(query): RawQuery,
) -> Response {
    let found = match read::<T>(&web, &client, query.as_deref()).await {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    match found.answer(&web.app, (id.as_str().to_owned(), client.addr.to_string())).await {
        Ok(()) => notice::words(StatusCode::OK, &found.thanks()),
        Err(error) => failed(&error),
    }
}
