//! Dependants: people in somebody's care, such as a parent's children.

use bedside_model::{AccountId, UserId};

use crate::{Conn, Result};

const IS_GUARDIAN: &str = "SELECT COUNT(*) FROM guardians \
     WHERE account_id = $1 AND guardian_id = $2 AND dependant_id = $3";

/// Is the second person in the first one's care?
///
/// # Errors
/// What the database says.
pub async fn is_guardian(
    conn: &mut Conn,
    account: &AccountId,
    guardian: UserId,
    dependant: UserId,
) -> Result<bool> {
    Ok(scalar!(conn, i64, IS_GUARDIAN, account.as_str(), guardian.0, dependant.0)? > 0)
}
