//! `bedside openapi`: prints the document that `docs/openapi.json` holds.

use std::io::Write;

use super::Failure;
use crate::{
    api::{openapi, router},
    config::Config,
};

pub(super) fn run(config: &Config) -> Result<(), Failure> {
    let text = openapi::text(&router::document(config.server.prefix()))?;
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads only the beginning has what they wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
