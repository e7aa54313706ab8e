//! `/interpret`: what somebody sees who was asked by mail to interpret, and what
//! they say. A link is opened by scanners too, so looking changes nothing; the
//! buttons post to the same address. A yes opens the visit's guest page.

use axum::{
    Extension,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bedside_app::{
    Error,
    interpreters::{self, Asked, Entered, Standing},
};
use bedside_model::notification::Language;

use super::{
    Web,
    letter::{FAILED, field},
    notice::{self, Choice, Words},
};
use crate::http::{Client, RequestId, cookies, device};

const UNKNOWN: Words<'static> = Words {
    language: "en",
    title: "We don't know this link",
    sentence: "It may be cut off. Copy the whole link from the letter.",
    button: None,
};

/// The page.
pub(super) async fn question(State(web): State<Web>, client: Client, RawQuery(query): RawQuery) -> Response {
    match read(&web, &client, query.as_deref()).await {
        Ok(asked) => page(&asked, field(query.as_deref(), "answer") == "no"),
        Err(refused) => refused,
    }
}

async fn read(web: &Web, client: &Client, query: Option<&str>) -> Result<Asked, Response> {
    if let Some(seconds) = (web.gate)(client.addr) {
        return Err(notice::busy(seconds));
    }
    match interpreters::find(&web.app, &field(query, "who")).await {
        Ok(Some(asked)) => Ok(asked),
        Ok(None) => Err(notice::words(StatusCode::NOT_FOUND, &UNKNOWN)),
        Err(error) => Err(failed(&error)),
    }
}

fn failed(error: &Error) -> Response {
    tracing::error!(?error, "an interpreter's answer could not be taken");
    notice::words(StatusCode::SERVICE_UNAVAILABLE, &FAILED)
}

/// What was pressed.
pub(super) async fn answer(
    State(web): State<Web>,
    client: Client,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let asked = match read(&web, &client, query.as_deref()).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let by = (id.as_str().to_owned(), client.addr.to_string());
    let pressed = field(std::str::from_utf8(&body).ok(), "answer");
    let done = match &*pressed {
        "yes" => match interpreters::accept(&web.app, &asked, by, device::of_headers(&headers)).await {
            Ok(Some(entered)) => return enter(&entered, client.https),
            other => other.map(drop),
        },
        "no" => interpreters::decline(&web.app, &asked, by).await,
        // Some other program's request: the question stands.
        _ => Ok(()),
    };
    if let Err(error) = done {
        return match error.code() {
            Some("too_many_guests") => {
                let (title, sentence) = said(asked.words).full;
                notice::choices(StatusCode::OK, (asked.words.as_str(), title, sentence), &[])
            }
            _ => failed(&error),
        };
    }
    match read(&web, &client, query.as_deref()).await {
        Ok(asked) => page(&asked, false),
        Err(refused) => refused,
    }
}

/// On to the guest page of the visit, as the guest whom the provider wants.
fn enter(entered: &Entered, https: bool) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(to) = HeaderValue::from_str(&format!("/visits/join/{}", entered.code)) {
        headers.insert(header::LOCATION, to);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = &entered.signed_in.cookie {
        headers.append(header::SET_COOKIE, cookies::set(cookie.kind, &cookie.value, https));
    }
    response
}

/// What is said, in one language: title and sentence by standing, then the
/// buttons for yes, no, and coming again.
struct Said {
    /// Between the clinic's name and the language's.
    needs: &'static str,
    asked: (&'static str, &'static str),
    comes: (&'static str, &'static str),
    declined: (&'static str, &'static str),
    taken: (&'static str, &'static str),
    over: (&'static str, &'static str),
    full: (&'static str, &'static str),
    buttons: [&'static str; 3],
}

const fn said(language: Language) -> Said {
    match language {
        Language::English => Said {
            needs: "needs somebody who interprets",
            asked: (
                "Can you interpret now?",
                "Accept, and you are in the video visit with your camera and microphone.",
            ),
            comes: ("You have accepted", "The visit is waiting for you."),
            declined: ("You have declined", "Thank you for answering. Somebody else is asked."),
            taken: ("Somebody else is coming", "Thank you for looking. There is nothing more to do."),
            over: ("Nobody is needed any more", "Thank you for looking. There is nothing more to do."),
            full: ("The call is full", "Nothing was changed. Open the link again in a moment."),
            buttons: ["Accept and join", "Decline", "Join the call"],
        },
        Language::Spanish => Said {
            needs: "necesita a alguien para interpretar:",
            asked: (
                "¿Puede interpretar ahora?",
                "Acepte y estará en la visita por video con su cámara y micrófono.",
            ),
            comes: ("Ha aceptado", "La visita le espera."),
            declined: ("Ha rechazado", "Gracias por responder. Se pregunta a otra persona."),
            taken: ("Ya viene otra persona", "Gracias por mirar. No tiene que hacer nada más."),
            over: ("Ya no se necesita a nadie", "Gracias por mirar. No tiene que hacer nada más."),
            full: (
                "La llamada está completa",
                "No se ha cambiado nada. Abra el enlace de nuevo en un momento.",
            ),
            buttons: ["Aceptar y entrar", "Rechazar", "Entrar en la llamada"],
        },
    }
}

fn page(asked: &Asked, no_first: bool) -> Response {
    let said = said(asked.words);
    let [yes, no, join] = said.buttons;
    let yes = Choice { name: "answer", value: "yes", label: yes };
    let no = Choice { name: "answer", value: "no", label: no };
    let language = asked.words.as_str();
    let (status, (title, sentence), choices) = match asked.standing {
        Standing::Asked if no_first => (StatusCode::OK, said.asked, vec![no, yes]),
        Standing::Asked => (StatusCode::OK, said.asked, vec![yes, no]),
        Standing::Comes => (StatusCode::OK, said.comes, vec![Choice { label: join, ..yes }]),
        Standing::Declined => (StatusCode::OK, said.declined, Vec::new()),
        Standing::Taken => (StatusCode::OK, said.taken, Vec::new()),
        Standing::Over => (StatusCode::GONE, said.over, Vec::new()),
    };
    let tongue = interpreters::language_name(&asked.language);
    let sentence = match asked.standing {
        Standing::Asked => format!("{} {} {tongue}. {sentence}", asked.clinic, said.needs),
        _ => sentence.to_owned(),
    };
    notice::choices(status, (language, title, &sentence), &choices)
}
