//! What the benchmark of reports needs: visits that were taken and completed,
//! and the waits of a stretch of time in the plainest way, from every row.

use std::time::Instant;

use anyhow::Result;
use bedside_model::AccountId;
use serde_json::{Value, json};
use sqlx::Connection;

use crate::kit::sql;

// Waits of up to half an hour, visits of one to forty minutes.
const WORKED: &str = "UPDATE visits SET provider_id = requested_provider_id, \
     actual_start_at = start_at + (id * 7919 % 1800) * 1000, \
     actual_end_at = start_at + (id * 7919 % 1800 + id * 104729 % 2340 + 60) * 1000 \
     WHERE requested_provider_id IS NOT NULL AND status = 30";

/// Makes completed visits look as if somebody had taken them.
pub async fn work(url: &str) -> u64 {
    sql(url, WORKED).await
}

const WAITS: &str = "SELECT start_at, actual_start_at - waiting_since_at FROM visits \
     WHERE account_id = $1 AND start_at >= $2 AND start_at < $3 AND type = 1 AND actual_start_at IS NOT NULL";

/// Count and median wait of each stretch of 30 days, by reading and sorting
/// everything; how long each of some runs took.
pub async fn plain(url: &str, account: &AccountId, from: i64, until: i64, runs: usize) -> Result<Value> {
    let (mut millis, mut count, mut medians) = (Vec::new(), 0, Vec::new());
    for _ in 0..runs {
        let began = Instant::now();
        let rows = waits(url, account, from * 1000, until * 1000).await?;
        let mut by_month: std::collections::BTreeMap<i64, Vec<i64>> = std::collections::BTreeMap::new();
        for (at, wait) in &rows {
            by_month.entry(at / (30 * 86_400_000)).or_default().push(wait / 1000);
        }
        medians.clear();
        for waits in by_month.values_mut() {
            waits.sort_unstable();
            medians.push(waits[(waits.len() - 1) / 2]);
        }
        count = rows.len();
        millis.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(json!({ "count": count, "ms": millis, "medians": medians }))
}

async fn waits(url: &str, account: &AccountId, from: i64, until: i64) -> Result<Vec<(i64, i64)>> {
    if url.starts_with("sqlite:") {
        let mut conn = sqlx::SqliteConnection::connect(url).await?;
        let query = sqlx::query_as(WAITS).bind(account.as_str()).bind(from).bind(until);
        Ok(query.fetch_all(&mut conn).await?)
    } else {
        let mut conn = sqlx::PgConnection::connect(url).await?;
        let query = sqlx::query_as(WAITS).bind(account.as_str()).bind(from).bind(until);
        Ok(query.fetch_all(&mut conn).await?)
    }
}
