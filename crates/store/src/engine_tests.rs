//! What a change promises, proved on both engines.

use crate::{
    Conn, Error, Result, Schema, Settings, Store, Tx,
    testing::{fresh, on_both},
};

const PUT: &str = "INSERT INTO heartbeats (id, beat_at) VALUES ($1, $2)";
const COUNT: &str = "SELECT COUNT(*) FROM heartbeats WHERE id LIKE $1";

async fn put(tx: &mut Tx, id: &str) -> Result<()> {
    execute!(tx, PUT, id, 1_i64).map(drop)
}

async fn count(store: &Store, like: &str) -> i64 {
    let mut conn: Conn = store.reader().await.unwrap();
    scalar!(conn, i64, COUNT, like).unwrap()
}

/// Holds the writer until told, so that what is sent meanwhile forms a group.
async fn hold(store: &Store) -> (tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let (begun, started) = tokio::sync::oneshot::channel::<()>();
    let store = store.clone();
    let held = tokio::spawn(async move {
        let result: Result<()> = store
            .write(move |_| {
                Box::pin(async move {
                    begun.send(()).unwrap();
                    wait.await.unwrap();
                    Ok(())
                })
            })
            .await;
        result.unwrap();
    });
    started.await.unwrap();
    (go, held)
}

#[tokio::test]
async fn a_group_keeps_the_good_and_drops_the_bad() {
    on_both!(fresh, |_| {}, {
        let (go, held) = hold(&fresh.store).await;
        let mut changes = Vec::new();
        for number in 0..30 {
            let store = fresh.store.clone();
            changes.push(tokio::spawn(async move {
                let result: Result<i32> = store
                    .write(move |tx| {
                        Box::pin(async move {
                            put(tx, &format!("row-{number}")).await?;
                            match number % 3 {
                                0 => Ok(number),
                                1 => put(tx, &format!("row-{number}")).await.map(|()| 0),
                                _ => panic!("as the test wants"),
                            }
                        })
                    })
                    .await;
                (number, result)
            }));
        }
        go.send(()).unwrap();
        held.await.unwrap();
        for change in changes {
            match change.await.unwrap() {
                (number, Ok(got)) => assert!(number % 3 == 0 && got == number),
                (number, Err(Error::Panicked)) => assert_eq!(number % 3, 2),
                (number, Err(error)) => {
                    assert_eq!(number % 3, 1);
                    assert!(error.is_unique("heartbeats", "id"), "{error:?}");
                }
            }
        }
        assert_eq!(count(&fresh.store, "row-%").await, 10);
    });
}

#[tokio::test]
async fn a_caller_that_goes_away_cuts_nothing() {
    on_both!(fresh, |_| {}, {
        let (begun, started) = tokio::sync::oneshot::channel::<()>();
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let (done, ended) = tokio::sync::oneshot::channel::<()>();
        let store = fresh.store.clone();
        let caller = tokio::spawn(async move {
            let result: Result<()> = store
                .write(move |tx| {
                    Box::pin(async move {
                        put(tx, "half-1").await?;
                        begun.send(()).unwrap();
                        wait.await.unwrap();
                        put(tx, "half-2").await?;
                        done.send(()).unwrap();
                        Ok(())
                    })
                })
                .await;
            result
        });
        started.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        go.send(()).unwrap();
        ended.await.unwrap();
        // On Postgres the commit follows the closure's end.
        while count(&fresh.store, "half-%").await != 2 {
            tokio::task::yield_now().await;
        }
    });
}

#[tokio::test]
async fn a_change_that_takes_too_long_leaves_nothing() {
    let short = |settings: &mut Settings| settings.time_limit = std::time::Duration::from_millis(50);
    on_both!(fresh, short, {
        let result: Result<()> = fresh
            .store
            .write(|tx| {
                Box::pin(async move {
                    put(tx, "slow").await?;
                    std::future::pending().await
                })
            })
            .await;
        assert!(matches!(result, Err(Error::Timeout)), "{result:?}");
        fresh.store.writable().await.unwrap();
        assert_eq!(count(&fresh.store, "slow").await, 0);
    });
}

#[tokio::test]
async fn a_full_queue_is_busy_at_once() {
    on_both!(fresh, |settings| settings.queue_length = 1, {
        let (go, held) = hold(&fresh.store).await;
        let waiting = tokio::spawn({
            let store = fresh.store.clone();
            async move { store.writable().await }
        });
        // SQLite: one is being run, one waits. Postgres: one in all.
        while fresh.store.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(fresh.store.writable().await, Err(Error::Busy)));
        go.send(()).unwrap();
        held.await.unwrap();
        let _ = waiting.await.unwrap();
        fresh.store.writable().await.unwrap();
    });
}

#[tokio::test]
async fn the_hint_fires_only_for_kept_events() {
    on_both!(fresh, |_| {}, {
        let mut hint = fresh.store.event_hint();
        let failed: Result<()> = fresh
            .store
            .write(|tx| {
                Box::pin(async move {
                    tx.mark_events();
                    Err(Error::Value("test"))
                })
            })
            .await;
        failed.unwrap_err();
        fresh.store.writable().await.unwrap();
        assert!(!hint.has_changed().unwrap());
        let kept: Result<()> = fresh
            .store
            .write(|tx| {
                Box::pin(async move {
                    tx.mark_events();
                    Ok(())
                })
            })
            .await;
        kept.unwrap();
        hint.changed().await.unwrap();
    });
}

#[tokio::test]
async fn without_groups_it_works_too() {
    on_both!(fresh, |settings| settings.group_commit = false, {
        let many = (0..20).map(|_| {
            let store = fresh.store.clone();
            tokio::spawn(async move { store.writable().await })
        });
        for one in many.collect::<Vec<_>>() {
            one.await.unwrap().unwrap();
        }
    });
}

#[tokio::test]
async fn a_newer_database_is_refused_and_an_older_one_named() {
    const NEWER: &str = "INSERT INTO schema_migrations (number) VALUES (999)";
    const NONE: &str = "DELETE FROM schema_migrations";
    on_both!(fresh, |_| {}, {
        let write = |sql: &'static str| {
            let store = fresh.store.clone();
            async move {
                let done: Result<u64> =
                    store.write(move |tx| Box::pin(async move { execute!(tx, sql) })).await;
                done.unwrap();
            }
        };
        Store::open(&fresh.settings).await.unwrap();
        write(NEWER).await;
        let refused = Store::open(&fresh.settings).await.err();
        assert!(matches!(refused, Some(Error::Newer { found: 999, .. })), "{refused:?}");
        write(NONE).await;
        let require = Settings { schema: Schema::Require, ..fresh.settings.clone() };
        let refused = Store::open(&require).await.err();
        assert!(matches!(refused, Some(Error::Older { found: 0, .. })), "{refused:?}");
        let inspect = Settings { schema: Schema::Inspect, ..fresh.settings.clone() };
        Store::open(&inspect).await.unwrap();
    });
}

#[tokio::test]
async fn one_process_serves_a_file() {
    let fresh = fresh("sqlite", |_| {}).await.unwrap();
    let second = Store::open(&fresh.settings).await.unwrap();
    fresh.store.lock_for_serving().unwrap();
    // Command-line tools may still write.
    second.writable().await.unwrap();
    assert!(matches!(second.lock_for_serving(), Err(Error::Locked(_))));
    drop(fresh.store);
    second.lock_for_serving().unwrap();
}

#[tokio::test]
async fn a_closed_store_says_so_and_has_kept_everything() {
    let fresh = fresh("sqlite", |_| {}).await.unwrap();
    fresh.store.writable().await.unwrap();
    fresh.store.close().await;
    assert!(matches!(fresh.store.writable().await, Err(Error::Closed)));
    let again = Store::open(&fresh.settings).await.unwrap();
    assert_eq!(count(&again, "store").await, 1);
}

#[tokio::test]
async fn a_change_that_fills_the_disk_fails_alone() {
    // A limit on the file's pages is what SQLite reports as a full disk; it
    // lasts as long as the connection. SQLite then ends the whole transaction.
    const LIMIT: &str = "PRAGMA max_page_count = 1";
    let fresh = fresh("sqlite", |_| {}).await.unwrap();
    let set: Result<u64> = fresh.store.write(|tx| Box::pin(async move { execute!(tx, LIMIT) })).await;
    set.unwrap();
    let (go, held) = hold(&fresh.store).await;
    let many = (0..30).map(|number| {
        let store = fresh.store.clone();
        tokio::spawn(async move {
            let id = format!("{number}-{}", "x".repeat(20_000));
            store.write(move |tx| Box::pin(async move { put(tx, &id).await })).await
        })
    });
    let many = many.collect::<Vec<_>>();
    go.send(()).unwrap();
    held.await.unwrap();
    let (mut kept, mut full) = (0, 0);
    for one in many {
        match one.await.unwrap() {
            Ok(()) => kept += 1,
            Err(Error::Full) => full += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!((full, kept, count(&fresh.store, "%").await), (1, 29, 29));
}
