//! The schema's number line: two folders, one number per step, forward only.
//!
//! A step must be safe under the previous version that may still be running
//! (expand first, contract in a later release). All missing steps run in one
//! transaction, under a lock, so that two starts at once do them once.

use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::{Error, Result, Schema, dialect};

/// One step. Never edit one that was released: add the next.
struct Step {
    number: i64,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! step {
    ($number:literal, $name:literal) => {
        Step {
            number: $number,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }
    };
}

/// All steps, in order.
const STEPS: &[Step] = &[
    step!(1, "0001_first"),
    step!(2, "0002_guardians"),
    step!(3, "0003_accounts"),
    step!(4, "0004_users"),
    step!(5, "0005_mail"),
    step!(6, "0006_visits"),
    step!(7, "0007_guests"),
    step!(8, "0008_files"),
    step!(9, "0009_idempotency"),
    step!(10, "0010_sealing"),
    step!(11, "0011_scheduling"),
    step!(12, "0012_appointments"),
    step!(13, "0013_event_cursors"),
    step!(14, "0014_audit_details"),
    step!(15, "0015_webhooks"),
    step!(16, "0016_notifications"),
    step!(17, "0017_queue_and_messages"),
    step!(18, "0018_developers"),
    step!(19, "0019_recordings"),
    step!(20, "0020_embedding_and_call_quality"),
    step!(21, "0021_letters"),
    step!(22, "0022_call_peers"),
    step!(23, "0023_notes"),
    step!(24, "0024_consents"),
    step!(25, "0025_money"),
    step!(26, "0026_surveys_and_reports"),
    step!(27, "0027_identifiers"),
    step!(28, "0028_session_locks"),
    step!(29, "0029_health_records"),
    step!(30, "0030_pharmacies"),
    step!(31, "0031_forms"),
    step!(32, "0032_interpreters"),
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT NOT NULL PRIMARY KEY)";
const FOUND: &str = "SELECT COALESCE(MAX(number), 0) FROM schema_migrations";
const DONE: &str = "INSERT INTO schema_migrations (number) VALUES ($1)";

/// Number of the newest step this program knows.
pub(crate) fn known() -> i64 {
    STEPS.last().map_or(0, |step| step.number)
}

macro_rules! migrate {
    ($conn:expr, $begin:expr, $lock:expr, $side:ident, $schema:expr) => {{
        if $schema != Schema::Migrate {
            // Without the table there is no schema at all.
            let found = sqlx::query_scalar::<_, i64>(FOUND).fetch_one(&mut *$conn).await;
            return check(found.unwrap_or(0), $schema);
        }
        let mut tx = $conn.begin_with($begin).await?;
        if let Some(lock) = $lock {
            sqlx::query(lock).execute(&mut *tx).await?;
        }
        sqlx::query(TABLE).execute(&mut *tx).await?;
        let found = sqlx::query_scalar::<_, i64>(FOUND).fetch_one(&mut *tx).await?;
        for step in missing(found)? {
            sqlx::raw_sql(step.$side).execute(&mut *tx).await?;
            sqlx::query(DONE).bind(step.number).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }};
}

pub(crate) async fn sqlite(conn: &mut SqliteConnection, schema: Schema) -> Result<()> {
    migrate!(conn, "BEGIN IMMEDIATE", None::<&'static str>, sqlite, schema)
}

pub(crate) async fn postgres(conn: &mut PgConnection, schema: Schema) -> Result<()> {
    migrate!(conn, "BEGIN", Some(dialect::PG_MIGRATION_LOCK), postgres, schema)
}

fn missing(found: i64) -> Result<impl Iterator<Item = &'static Step>> {
    if found > known() {
        return Err(Error::Newer { found, known: known() });
    }
    Ok(STEPS.iter().filter(move |step| step.number > found))
}

fn check(found: i64, schema: Schema) -> Result<()> {
    match schema {
        Schema::Inspect | Schema::Migrate => Ok(()),
        Schema::Require if found > known() => Err(Error::Newer { found, known: known() }),
        Schema::Require if found < known() => Err(Error::Older { found, known: known() }),
        Schema::Require => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_line_has_no_gap() {
        for (index, step) in STEPS.iter().enumerate() {
            assert_eq!(step.number, i64::try_from(index).unwrap() + 1);
        }
    }
}
