//! The tiny pages the server writes itself, in the look of the others: one
//! sentence and one way on, a link or a button that posts to the same address.
//! No script, one style block named by its hash.

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use crate::http::headers;

const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#FAF7F2;--ink:#1E2B2F;--ink-2:#4E5D61;--lagoon:#0A6B68;--on-lagoon:#FFFFFF}\
@media (prefers-color-scheme:dark){:root{--paper:#12191B;--ink:#EAF0EF;--ink-2:#A9B6B8;--lagoon:#63C7BF;--on-lagoon:#08211F}}\
body{margin:0;background:var(--paper);color:var(--ink);font:18px/28px \"Atkinson Hyperlegible\",system-ui,sans-serif}\
main{max-width:36rem;margin:0 auto;padding:64px 24px}\
h1{font-size:28px;line-height:36px;margin:0 0 16px}\
p{margin:0 0 24px;color:var(--ink-2)}\
a,button{display:inline-block;min-height:56px;line-height:56px;padding:0 24px;border:0;border-radius:6px;background:var(--lagoon);color:var(--on-lagoon);font:inherit;line-height:56px;text-decoration:none;cursor:pointer}\
button.other{background:none;color:var(--lagoon);box-shadow:inset 0 0 0 2px var(--lagoon)}\
a:focus-visible,button:focus-visible{outline:3px solid var(--lagoon);outline-offset:2px}";

static POLICY: LazyLock<String> =
    LazyLock::new(|| headers::bare_policy(&BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()))));

/// A way on from a notice: where to, and the words on it.
pub(super) struct Link<'a> {
    pub href: &'a str,
    pub label: &'a str,
}

/// What a notice says in one language.
pub(super) struct Words<'a> {
    pub language: &'a str,
    pub title: &'a str,
    pub sentence: &'a str,
    /// The words on a button that posts to the same address.
    pub button: Option<&'a str>,
}

/// One page with a headline, a sentence and perhaps a link.
pub(super) fn notice(status: StatusCode, title: &str, sentence: &str, link: Option<Link<'_>>) -> Response {
    let link = link
        .map(|link| format!("<a href=\"{}\">{}</a>", escape(link.href), escape(link.label)))
        .unwrap_or_default();
    page(status, ("en", title, sentence), &link)
}

/// One page with a headline, a sentence and perhaps a button.
pub(super) fn words(status: StatusCode, words: &Words<'_>) -> Response {
    let button = words.button.map(|label| {
        format!("<form method=\"post\"><button type=\"submit\">{}</button></form>", escape(label))
    });
    page(status, (words.language, words.title, words.sentence), &button.unwrap_or_default())
}

/// A button of several on a page.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    /// Of the field that the button sends.
    pub name: &'a str,
    pub value: &'a str,
    pub label: &'a str,
}

/// One page with a headline, a sentence and buttons, which post to the same
/// address; the first one stands out.
pub(super) fn choices(status: StatusCode, said: (&str, &str, &str), choices: &[Choice<'_>]) -> Response {
    let button = |(at, choice): (usize, &Choice<'_>)| {
        let Choice { name, value, label } = choice;
        let class = if at == 0 { "" } else { " class=\"other\"" };
        let (name, value, label) = (escape(name), escape(value), escape(label));
        format!("<button type=\"submit\" name=\"{name}\" value=\"{value}\"{class}>{label}</button> ")
    };
    let buttons: String = choices.iter().enumerate().map(button).collect();
    let form = if buttons.is_empty() { buttons } else { format!("<form method=\"post\">{buttons}</form>") };
    page(status, said, &form)
}

/// Too many come from one address.
pub(super) fn busy(seconds: u64) -> Response {
    let sentence = "Nothing is lost. Wait a moment and open the link again.";
    let mut response =
        notice(StatusCode::TOO_MANY_REQUESTS, "Too many people are coming in from here", sentence, None);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn page(status: StatusCode, (language, title, sentence): (&str, &str, &str), way: &str) -> Response {
    let title = escape(title);
    let sentence = escape(sentence);
    let page = format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"referrer\" content=\"no-referrer\">\
         <title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{sentence}</p>{way}</main></body></html>"
    );
    let mut response = (status, Html(page)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The binary was built without the pages.
pub(super) fn unbuilt() -> Response {
    notice(
        StatusCode::SERVICE_UNAVAILABLE,
        "The pages are not built",
        "This server was built without its pages. Build them with “npm ci && npm run build” in web/ \
         and build the server again. The HTTP API works.",
        None,
    )
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}
