//! The other half of the API benchmark. `bench_api seed URL KEY_FILE USERS
//! VISITS` fills a database, `bench_api calendar URL KEY_FILE VISITS` one with
//! appointments; `bench_api bare URL KEY_FILE ADDRESS` answers with
//! the same SQL and nothing around it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bedside_app::Clock;
use bedside_tests::{
    bench::{bare, calendar, open, reports, seed},
    kit::sql,
};

const USAGE: &str = "usage: bench_api seed URL KEY_FILE USERS VISITS | \
     bench_api calendar URL KEY_FILE VISITS | bench_api bare URL KEY_FILE ADDRESS | \
     bench_api work URL KEY_FILE | bench_api plain URL KEY_FILE FROM UNTIL RUNS";

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (url, key) = (args.get(1).context(USAGE)?, args.get(2).context(USAGE)?);
    let (store, account) = open(url, Path::new(key)).await?;
    let now = Clock::System.now();
    match (args[0].as_str(), args.get(3), args.get(4)) {
        ("seed", Some(users), Some(visits)) => {
            seed::fill(&store, &account, users.parse()?, visits.parse()?, now).await?;
            store.close().await;
            settle(url).await;
            Ok(())
        }
        ("calendar", Some(visits), None) => {
            calendar::fill(&store, &account, visits.parse()?, now).await?;
            store.close().await;
            settle(url).await;
            Ok(())
        }
        ("work", None, None) => {
            reports::work(url).await;
            Ok(())
        }
        ("plain", Some(from), Some(until)) => {
            let runs = args.get(5).context(USAGE)?.parse()?;
            println!("{}", reports::plain(url, &account, from.parse()?, until.parse()?, runs).await?);
            Ok(())
        }
        ("bare", Some(address), None) => bare::serve(store, account, address, now).await,
        _ => bail!(USAGE),
    }
}

/// Postgres gathers statistics by itself, a minute or two after so much was
/// written; without them its plans are made for empty tables.
async fn settle(url: &str) {
    if url.starts_with("postgres") {
        sql(url, "ANALYZE").await;
    }
}
