//! Counting: what was touched since the last time is counted anew, a bounded
//! piece per change. Ended at any point, and by however many processes, it goes
//! on where the rows say so; counted twice, the figures are the same.

use std::collections::{BTreeMap, BTreeSet};

use bedside_model::{
    AccountId,
    report::{Level, Tally},
};
use bedside_store::{
    Tx,
    reports::{self, Scope},
};

use crate::{App, Error, Result};

/// Quarters of an hour per change: with two hundred providers six hours are some
/// thousand visits, and other changes wait meanwhile.
const BATCH: i64 = 24;

/// Counts one piece of every account in which something waits. Gives true while
/// there is more. What fails for one account does not hold up another; it is
/// counted at the next call.
///
/// # Errors
/// What the store says of the list of accounts.
pub async fn roll_up(app: &App) -> Result<bool> {
    let mut conn = app.store.reader().await?;
    let waiting = reports::list_waiting(&mut conn).await?;
    drop(conn);
    let mut more = false;
    for account in waiting {
        match advance(app, account.clone()).await {
            Ok(left) => more |= left,
            Err(error) => {
                tracing::warn!(account = account.as_str(), ?error, "figures of reports wait to be counted");
            }
        }
    }
    Ok(more)
}

async fn advance(app: &App, account: AccountId) -> Result<bool> {
    let now = app.clock.now();
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                reports::lock(tx, &account).await?;
                let touched: BTreeSet<i64> =
                    reports::list_touched(tx, &account, BATCH).await?.into_iter().collect();
                let full = i64::try_from(touched.len()) == Ok(BATCH);
                count(tx, &account, &touched).await?;
                let hours = slots(&touched, Level::Hour.quarters());
                merge(tx, &account, Level::Quarter, Level::Hour, &hours).await?;
                let days = slots(&touched, Level::Day.quarters());
                merge(tx, &account, Level::Hour, Level::Day, &days).await?;
                if !full {
                    reports::set_computed(tx, &account, now).await?;
                }
                Ok(full)
            })
        })
        .await
}

fn slots(quarters: &BTreeSet<i64>, size: i64) -> BTreeSet<i64> {
    quarters.iter().map(|quarter| quarter.div_euclid(size)).collect()
}

/// Neighbours together: first, and the one behind the last.
fn runs(slots: &BTreeSet<i64>) -> Vec<(i64, i64)> {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for slot in slots {
        match runs.last_mut() {
            Some((_, end)) if *end == *slot => *end += 1,
            _ => runs.push((*slot, *slot + 1)),
        }
    }
    runs
}

/// Counts quarters from what they hold.
async fn count(tx: &mut Tx, account: &AccountId, quarters: &BTreeSet<i64>) -> Result<()> {
    for (first, end) in runs(quarters) {
        reports::forget_touched(tx, account, first, end).await?;
        let mut tallies: BTreeMap<(i64, Scope), Tally> = BTreeMap::new();
        for (quarter, scope, counted) in reports::read_facts(tx, account, first, end).await? {
            counted.count(tallies.entry((quarter, scope)).or_default());
        }
        put(tx, account, Level::Quarter, (first, end), &tallies).await?;
    }
    Ok(())
}

/// Adds shorter stretches up to longer ones, for each scope that is kept of them.
async fn merge(
    tx: &mut Tx,
    account: &AccountId,
    from: Level,
    into: Level,
    slots: &BTreeSet<i64>,
) -> Result<()> {
    let size = into.quarters() / from.quarters();
    for (first, end) in runs(slots) {
        let mut tallies: BTreeMap<(i64, Scope), Tally> = BTreeMap::new();
        for bucket in reports::list(tx, account, from, first * size, end * size).await? {
            let Scope { room, provider } = bucket.scope;
            // Those of one room and provider; the sums are made of them anew.
            if room == reports::ALL || provider == reports::ALL {
                continue;
            }
            for room in [room, reports::ALL] {
                for provider in [provider, reports::ALL] {
                    let place = (bucket.slot.div_euclid(size), Scope { room, provider });
                    tallies.entry(place).or_default().merge(&bucket.tally);
                }
            }
        }
        put(tx, account, into, (first, end), &tallies).await?;
    }
    Ok(())
}

async fn put(
    tx: &mut Tx,
    account: &AccountId,
    level: Level,
    (first, end): (i64, i64),
    tallies: &BTreeMap<(i64, Scope), Tally>,
) -> Result<()> {
    reports::clear(tx, account, level, first, end).await?;
    for ((slot, scope), tally) in tallies {
        reports::put(tx, account, level, *slot, *scope, tally).await?;
    }
    Ok(())
}
