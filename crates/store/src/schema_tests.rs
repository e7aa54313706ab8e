//! The two migration folders make the same schema, but for searching inside
//! names: one engine has the table `users_search`, the other `…_trgm` indexes.

use std::collections::BTreeSet;

use sqlx::FromRow;

use crate::{Store, testing::fresh};

#[derive(FromRow, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Column {
    table_name: String,
    column_name: String,
    kind: String,
    nullable: bool,
}

const SQLITE_COLUMNS: &str = "SELECT m.name AS table_name, p.name AS column_name, p.type AS kind, \
     p.\"notnull\" = 0 AND p.pk = 0 AS nullable FROM sqlite_master m JOIN pragma_table_info(m.name) p \
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'users_search%'";
const POSTGRES_COLUMNS: &str = "SELECT table_name, column_name, data_type AS kind, is_nullable = 'YES' AS nullable \
     FROM (SELECT table_name::text, column_name::text, data_type::text, is_nullable::text \
     FROM information_schema.columns WHERE table_schema = 'public') c";
const SQLITE_INDEXES: &str =
    "SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%'";
/// Without those that stand for a constraint: keys, and the exclusions that
/// triggers keep on SQLite.
const POSTGRES_INDEXES: &str = "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' \
     AND indexname NOT LIKE '%_pkey' AND indexname NOT LIKE '%_key' AND indexname NOT LIKE '%_trgm' \
     AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = indexname AND c.contype = 'x')";
const SQLITE_UNINDEXED: &str = "SELECT m.name || '.' || f.\"from\" FROM sqlite_master m \
     JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND NOT EXISTS (SELECT 1 FROM \
     pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c ON c.seqno = 0 WHERE c.name = f.\"from\")";

async fn columns(store: &Store, sql: &'static str) -> BTreeSet<Column> {
    let mut conn = store.reader().await.unwrap();
    let mut columns = query_all!(conn, Column, sql).unwrap();
    for column in &mut columns {
        column.kind = match column.kind.to_ascii_uppercase().as_str() {
            "INTEGER" | "BIGINT" => "whole number",
            "BLOB" | "BYTEA" => "bytes",
            "TEXT" => "text",
            "BOOLEAN" => "flag",
            other => panic!("{other} is not a type that both engines keep alike"),
        }
        .to_owned();
    }
    columns.into_iter().collect()
}

async fn names(store: &Store, sql: &'static str) -> BTreeSet<String> {
    let mut conn = store.reader().await.unwrap();
    scalars!(conn, String, sql).unwrap().into_iter().collect()
}

#[tokio::test]
async fn both_engines_have_the_same_schema() {
    let Some(postgres) = fresh("postgres", |_| {}).await else { return };
    let sqlite = fresh("sqlite", |_| {}).await.unwrap();
    let (ours, theirs) =
        (columns(&sqlite.store, SQLITE_COLUMNS).await, columns(&postgres.store, POSTGRES_COLUMNS).await);
    assert!(ours.len() > 100, "the query found only {} columns", ours.len());
    assert_eq!(ours.symmetric_difference(&theirs).collect::<Vec<_>>(), Vec::<&Column>::new());
    assert_eq!(names(&sqlite.store, SQLITE_INDEXES).await, names(&postgres.store, POSTGRES_INDEXES).await);
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let sqlite = fresh("sqlite", |_| {}).await.unwrap();
    assert_eq!(names(&sqlite.store, SQLITE_UNINDEXED).await, BTreeSet::new());
}

const SQLITE_ALL: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
const POSTGRES_ALL: &str =
    "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()";

/// What belongs to no account, or is an index over rows that do.
const OF_NO_ACCOUNT: [&str; 4] = ["accounts", "heartbeats", "house_keys", "schema_migrations"];

#[tokio::test]
async fn whatever_belongs_to_an_account_can_be_deleted_with_it() {
    for (engine, all) in [("sqlite", SQLITE_ALL), ("postgres", POSTGRES_ALL)] {
        let Some(fresh) = fresh(engine, |_| {}).await else { continue };
        let mut conn = fresh.store.reader().await.unwrap();
        // An error here: tables refer to one another in a circle.
        let tables: BTreeSet<String> = crate::erasure::tables(&mut conn).await.unwrap().into_iter().collect();
        drop(conn);
        let left: BTreeSet<String> = names(&fresh.store, all)
            .await
            .into_iter()
            .filter(|table| !tables.contains(table) && !table.starts_with("users_search"))
            .collect();
        assert_eq!(left, OF_NO_ACCOUNT.map(str::to_owned).into(), "a table lacks account_id");
    }
}
