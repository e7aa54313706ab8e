//! `bedside openapi`: prints the document that `docs/openapi.json` holds.

use super::Failure;
use crate::{
    api::{openapi, router},
    config::Config,
};

pub(super) fn run(config: &Config) -> Result<(), Failure> {
    print!("{}", openapi::text(&router::document(config.server.prefix()))?);
    Ok(())
}
