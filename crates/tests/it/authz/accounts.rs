//! Rows of the operations on accounts.

use super::{Case, World};

pub const OPEN: &[(&str, &str)] = &[];

pub async fn cases(_: &World) -> Vec<Case> {
    Vec::new()
}
