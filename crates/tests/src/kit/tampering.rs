//! SQL past the store, for tests that play somebody who got at the database.

use sqlx::{AssertSqlSafe, Connection};

/// Runs a statement on the database of this URL; gives how many rows it touched.
pub async fn sql(url: &str, statement: &str) -> u64 {
    let statement = AssertSqlSafe(statement.to_owned());
    if url.starts_with("sqlite:") {
        let mut conn = sqlx::SqliteConnection::connect(url).await.expect("the database opens");
        sqlx::query("PRAGMA busy_timeout = 5000").execute(&mut conn).await.expect("a setting");
        // Who tampers with a file does not mind what refers to what.
        sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut conn).await.expect("a setting");
        sqlx::query(statement).execute(&mut conn).await.expect("the statement runs").rows_affected()
    } else {
        let mut conn = sqlx::PgConnection::connect(url).await.expect("the database opens");
        sqlx::query(statement).execute(&mut conn).await.expect("the statement runs").rows_affected()
    }
}
