//! `docs/errors.md`: every stable word that the API can give as `error`, with its
//! status and sentence, read from the sources. What the sources say is what the
//! document says; `it/errors.rs` holds the tests' words against it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

const SOURCES: &[&str] = &["crates/model/src", "crates/app/src", "crates/server/src/api"];

const HEAD: &str = "\
# Errors

Written by `cargo xtask gen` from the sources.

Every refusal has the same body, whatever the operation:

```json
{\"code\": 404, \"message\": \"There is no such visit.\", \"error\": \"visit_not_found\", \"request_id\": \"6a21f3d0-00001c\"}
```

`code` is the HTTP status, `message` one plain sentence (it may change), `error` a stable word (it does not). A refusal that
blames fields adds `fields`, an object from their names to the reasons. 429 and 503 carry `Retry-After`.

The statuses are 200, 400, 401, 403, 404, 429, 500, 503 and 504; 413 and 415 for bodies; 304 for a conditional read. 502
comes from proxies alone. A method that a path does not take is a 404 with `Allow`: the documented interface has no 405,
409 or 422.

| `error` | Status | Message |
| --- | --- | --- |
";

/// The document.
pub fn reference(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for folder in SOURCES {
        rust_files(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut words: BTreeMap<String, (u16, String)> = BTreeMap::new();
    for file in &files {
        for (word, status, message) in found(&fs::read_to_string(file)?) {
            let known = words.entry(word).or_insert((status, String::new()));
            if known.1.is_empty() {
                known.1 = message;
            }
        }
    }
    if words.len() < 20 {
        bail!("only {} words were found; has the way errors are made changed?", words.len());
    }
    let rows = words.iter().map(|(word, (status, message))| {
        let message = if message.is_empty() { "(made of what it is about)" } else { message };
        format!("| `{word}` | {status} | {message} |\n")
    });
    Ok(HEAD.to_owned() + &rows.collect::<String>())
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, into)?;
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

/// The words of one file: a text literal of small letters right behind
/// something that makes an error.
fn found(source: &str) -> Vec<(String, u16, String)> {
    let product = source.split("mod tests {").next().unwrap_or(source);
    let literals = literals(product);
    let mut all = Vec::new();
    for (at, (before, word)) in literals.iter().enumerate() {
        if !is_word(word) {
            continue;
        }
        if let Some(message) = of_variant(&literals, before) {
            all.push((word.clone(), 400, message.to_owned()));
        } else if let Some(status) = status(before, word) {
            let message = literals.get(at + 1).map_or("", |(_, text)| text.as_str());
            let message = if message.contains(' ') { message } else { "" };
            all.push((word.clone(), status, message.replace('|', "\\|")));
        }
    }
    all
}

/// The sentence of `#[error("…")] Variant`, for a word in `Self::Variant => "…"`:
/// the refusals of `model` are enums.
fn of_variant<'a>(literals: &'a [(String, String)], before: &str) -> Option<&'a str> {
    let (_, variant) = before.strip_suffix("=>")?.rsplit_once("Self::")?;
    let named = |after: &str| {
        let name = after.strip_prefix(")]").unwrap_or_default();
        name.strip_prefix(variant).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let sentences = literals.iter().zip(literals.iter().skip(1));
    let mut found =
        sentences.filter(|((before, _), (after, _))| before.ends_with("#[error(") && named(after));
    found.next().map(|((_, sentence), _)| sentence.as_str())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The status of an error made by this code in front of its word.
fn status(before: &str, word: &str) -> Option<u16> {
    let by_maker = [
        ("::invalid(", 400),
        ("::malformed(", 400),
        ("::unauthorized(", 401),
        ("::forbidden(", 403),
        ("::too_large(", 413),
        ("::unsupported(", 415),
        ("refusal(", 400),
    ];
    if let Some((_, status)) = by_maker.iter().find(|(maker, _)| before.ends_with(maker)) {
        return Some(*status);
    }
    let named = [
        ("BAD_REQUEST", 400),
        ("UNAUTHORIZED", 401),
        ("FORBIDDEN", 403),
        ("NOT_FOUND", 404),
        ("PAYLOAD_TOO_LARGE", 413),
        ("UNSUPPORTED_MEDIA_TYPE", 415),
        ("TOO_MANY_REQUESTS", 429),
        ("INTERNAL_SERVER_ERROR", 500),
        ("SERVICE_UNAVAILABLE", 503),
        ("GATEWAY_TIMEOUT", 504),
    ];
    if let Some(rest) = before.strip_suffix(',')
        && let Some((_, status)) =
            named.iter().find(|(name, _)| rest.ends_with(&format!("StatusCode::{name}")))
    {
        return Some(*status);
    }
    // `"visit" => ("visit_not_found", …)`, and what the router refuses by itself.
    match word {
        "account_unknown" if before.ends_with("=>(") => Some(404),
        word if before.ends_with("=>(") && word.ends_with("not_found") => Some(404),
        "body_too_large" if before.ends_with("(status,") => Some(413),
        "unsupported_media_type" if before.ends_with("(status,") => Some(415),
        _ => None,
    }
}

/// Every text literal, each with the code in front of it (without blanks and
/// comments, back to the literal before).
fn literals(source: &str) -> Vec<(String, String)> {
    let (mut all, mut before) = (Vec::new(), String::new());
    let mut rest = source.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => while rest.next().is_some_and(|c| c != '\n') {},
            '\'' if rest.peek() == Some(&'"') => {
                rest.next();
            }
            '"' => {
                let mut text = String::new();
                while let Some(c) = rest.next() {
                    match c {
                        '"' => break,
                        '\\' => match rest.next() {
                            // A broken line goes on behind its indentation.
                            Some('\n') => while rest.next_if(|c| c.is_whitespace()).is_some() {},
                            Some('n') => text.push(' '),
                            Some(other) => text.push(other),
                            None => break,
                        },
                        c => text.push(c),
                    }
                }
                all.push((std::mem::take(&mut before), text));
            }
            c if c.is_whitespace() => {}
            c => before.push(c),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_however_they_are_made() {
        let source = r#"
            return Err(Error::invalid("intake_changed", "This intake was changed.")); // "not_this"
            ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large", "The body is \
                 too large.");
            "room" => ("room_not_found", "There is no such room."),
            Error::forbidden("one_two", format!("Only {role}."));
            Error::field("name", "is missing");
            #[error("Somebody took it.")] Taken, #[error("It is over.")] Over,
            match self { Self::Taken => "visit_taken", Self::Over => "visit_over", Self::Odd => "odd" }
            #[cfg(test)] mod tests { Error::invalid("never", "Never."); }
        "#;
        let words = found(source);
        let words: Vec<_> =
            words.iter().map(|(word, status, message)| (word.as_str(), *status, message.as_str())).collect();
        assert_eq!(
            words,
            [
                ("intake_changed", 400, "This intake was changed."),
                ("body_too_large", 413, "The body is too large."),
                ("room_not_found", 404, "There is no such room."),
                ("one_two", 403, "Only {role}."),
                ("visit_taken", 400, "Somebody took it."),
                ("visit_over", 400, "It is over."),
            ]
        );
    }
}
