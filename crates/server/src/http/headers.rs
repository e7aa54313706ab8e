//! Response headers that tell browsers what not to do.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers of every answer.
pub fn always(headers: &mut HeaderMap, https: bool) {
    let plain = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=()",
        ),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in plain {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// The content policy of the pages. `script_hashes` are the inline scripts of
/// the built `index.html`; `sockets` is this server's own WebSocket origin,
/// since older Safari does not count it as 'self'; `embedders` are the origins
/// whose pages may show this one in a frame besides our own.
pub fn page_policy(script_hashes: &[String], sockets: &str, embedders: &[String]) -> String {
    let hashes: String = script_hashes.iter().map(|hash| format!(" 'sha256-{hash}'")).collect();
    let embedders: String = embedders.iter().map(|origin| format!(" {origin}")).collect();
    format!(
        "default-src 'self'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; \
         connect-src 'self' {sockets}; img-src 'self' data: blob:; \
         media-src 'self' blob: mediastream:; font-src 'self'; worker-src 'self' blob:; \
         frame-src 'self'; frame-ancestors 'self'{embedders}; object-src 'none'; base-uri 'none'; \
         form-action 'self'"
    )
}

/// The content policy of the tiny pages the server writes itself: one style
/// block, named by its hash, and nothing else.
pub fn bare_policy(style_hash: &str) -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{style_hash}'; frame-ancestors 'self'; \
         base-uri 'none'; form-action 'self'"
    )
}
