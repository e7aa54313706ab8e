//! Which files hang on an intake, and so on the visit that it serves.

use bedside_model::{AccountId, FileId, IntakeId, VisitId};

use super::{File, Row, select_files};
use crate::{Conn, Result, Tx};

const CLEAR: &str = "DELETE FROM intake_files WHERE account_id = $1 AND intake_id = $2";
const ATTACH: &str =
    "INSERT INTO intake_files (intake_id, file_id, account_id, position) VALUES ($1, $2, $3, $4)";

/// Says which files hang on an intake, in this order, in place of those that
/// did before.
///
/// # Errors
/// [`crate::Error::Foreign`] when one of them is gone.
pub async fn attach(tx: &mut Tx, account: &AccountId, intake: &IntakeId, files: &[FileId]) -> Result<()> {
    execute!(tx, CLEAR, account.as_str(), intake.as_str())?;
    for (file, position) in files.iter().zip(0_i64..) {
        execute!(tx, ATTACH, intake.as_str(), file.as_str(), account.as_str(), position)?;
    }
    Ok(())
}

const OF_INTAKE: &str = select_files!(
    "JOIN intake_files l ON l.file_id = f.id WHERE f.account_id = $1 AND l.account_id = $1 AND l.intake_id = $2 \
     ORDER BY l.position"
);

/// The files of an intake, in their order.
///
/// # Errors
/// What the database says.
pub async fn list_of_intake(conn: &mut Conn, account: &AccountId, intake: &IntakeId) -> Result<Vec<File>> {
    let rows = query_all!(conn, Row, OF_INTAKE, account.as_str(), intake.as_str())?;
    rows.into_iter().map(File::try_from).collect()
}

const LINK: &str = "UPDATE files SET visit_id = $1 WHERE account_id = $2 AND category IN ('', 'intake_attachment') \
     AND id IN (SELECT file_id FROM intake_files WHERE account_id = $2 AND intake_id = $3)";

/// Says that an intake's files belong to the visit that was made of it; what
/// lies on the patient's profile stays there. Call it in the transaction that
/// adds the visit.
///
/// # Errors
/// What the database says.
pub async fn link_to_visit(
    tx: &mut Tx,
    account: &AccountId,
    intake: &IntakeId,
    visit: VisitId,
) -> Result<()> {
    execute!(tx, LINK, visit.0, account.as_str(), intake.as_str())?;
    Ok(())
}

const VISITS: &str = "SELECT v.id FROM visits v JOIN files f ON f.visit_id = v.id \
     WHERE v.account_id = $1 AND f.account_id = $1 AND f.id = $2 UNION \
     SELECT v.id FROM visits v JOIN intake_files l ON l.intake_id = v.intake_id \
     WHERE v.account_id = $1 AND l.account_id = $1 AND l.file_id = $2 UNION \
     SELECT v.id FROM visits v JOIN form_answers a ON a.visit_id = v.id \
     JOIN form_answer_files l ON l.answers_id = a.id WHERE v.account_id = $1 AND l.account_id = $1 AND l.file_id = $2 UNION \
     SELECT v.id FROM visits v JOIN form_answers a ON a.intake_id = v.intake_id \
     JOIN form_answer_files l ON l.answers_id = a.id WHERE v.account_id = $1 AND l.account_id = $1 AND l.file_id = $2 \
     ORDER BY 1 DESC LIMIT 20";

/// The visits that a file hangs on, newest first: the one it was put on, and
/// those whose intake, or whose answers in a form, name it.
///
/// # Errors
/// What the database says.
pub async fn list_visits(conn: &mut Conn, account: &AccountId, id: &FileId) -> Result<Vec<VisitId>> {
    let ids = scalars!(conn, i64, VISITS, account.as_str(), id.as_str())?;
    Ok(ids.into_iter().map(VisitId).collect())
}
