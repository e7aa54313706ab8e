//! The SQLite writer: the one task that owns the write connection.
//!
//! It takes the changes that wait (up to 64), runs each in a savepoint of one
//! `BEGIN IMMEDIATE` transaction, commits once, and only then answers. A
//! change that fails, panics or takes too long rolls back to its savepoint and
//! harms nobody; a failed commit fails the whole group. A caller that goes away
//! cannot cut a change in half: the change belongs to the writer.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{BoxFuture, Error, Result, Tx};

/// Changes per commit.
const GROUP: usize = 64;

/// A change whose result lies in the caller's slot; true means "keep it".
pub(crate) type Change = Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, bool> + Send>;

/// A change and who waits for it.
pub(crate) struct Job {
    pub run: Change,
    pub answer: oneshot::Sender<Result<()>>,
}

enum Message {
    Job(Job),
    Stop(oneshot::Sender<()>),
}

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
}

/// What the checkpoint timer learns from the writer.
pub(crate) struct Pulse {
    dirty: Arc<AtomicBool>,
    alive: watch::Receiver<()>,
}

impl Pulse {
    /// True once after commits.
    pub(crate) fn take_dirty(&self) -> bool {
        self.dirty.swap(false, Ordering::Relaxed)
    }

    /// Ends when the writer has.
    pub(crate) async fn stopped(&mut self) {
        while self.alive.changed().await.is_ok() {}
    }
}

impl Writer {
    /// Starts the writer; it takes over an open connection.
    pub(crate) fn start(
        options: SqliteConnectOptions,
        conn: SqliteConnection,
        group: bool,
        queue_length: usize,
        time_limit: Duration,
        hint: watch::Sender<u64>,
    ) -> (Self, Pulse) {
        let (alive, watched) = watch::channel(());
        let (queue, jobs) = mpsc::channel(queue_length);
        let dirty = Arc::new(AtomicBool::new(true));
        let task = Task { options, conn: Some(conn), time_limit, hint, dirty: dirty.clone(), _alive: alive };
        tokio::spawn(task.run(jobs, if group { GROUP } else { 1 }));
        (Self { queue }, Pulse { dirty, alive: watched })
    }

    /// Hands a change over, unless too many wait.
    pub(crate) fn submit(&self, job: Job) -> Result<()> {
        self.queue.try_send(Message::Job(job)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Closed,
        })
    }

    /// Changes that wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Commits what waits and stops.
    pub(crate) async fn stop(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Message::Stop(done)).await.is_ok() {
            // An error means the writer is gone, which is what was asked for.
            let _ = wait.await;
        }
    }
}

struct Task {
    /// To open another connection after one was given up.
    options: SqliteConnectOptions,
    conn: Option<SqliteConnection>,
    time_limit: Duration,
    hint: watch::Sender<u64>,
    /// Set after each commit; the checkpoint timer clears it.
    dirty: Arc<AtomicBool>,
    /// Dropped with the task, which tells the checkpoint timer.
    _alive: watch::Sender<()>,
}

/// How one change of a group ended.
enum Verdict {
    Keep,
    Drop,
    Fail(Error),
}

impl Verdict {
    /// What the caller is told; a dropped change's own error lies in its slot.
    fn into_result(self) -> Result<()> {
        match self {
            Self::Keep | Self::Drop => Ok(()),
            Self::Fail(error) => Err(error),
        }
    }
}

impl Task {
    async fn run(mut self, mut queue: mpsc::Receiver<Message>, group: usize) {
        let mut messages = Vec::with_capacity(group);
        while queue.recv_many(&mut messages, group).await > 0 {
            let mut jobs = Vec::with_capacity(messages.len());
            let mut stop = Vec::new();
            for message in messages.drain(..) {
                match message {
                    Message::Job(job) => jobs.push(job),
                    Message::Stop(done) => stop.push(done),
                }
            }
            if !jobs.is_empty() {
                self.commit_group(jobs).await;
            }
            if !stop.is_empty() {
                // Sent after the stop: their callers learn that it is closed.
                drop(queue);
                if let Some(conn) = self.conn.take()
                    && let Err(error) = conn.close().await
                {
                    tracing::warn!(%error, "the write connection did not close cleanly");
                }
                for done in stop {
                    let _ = done.send(());
                }
                return;
            }
        }
    }

    /// Runs changes in one transaction and answers everybody. Changes that
    /// did not get their turn because an earlier one ended the transaction
    /// form another group.
    async fn commit_group(&mut self, jobs: Vec<Job>) {
        let mut waiting = jobs.into_iter();
        while waiting.len() > 0 {
            let mut ended = Vec::with_capacity(waiting.len());
            match self.run_jobs(&mut waiting, &mut ended).await {
                Ok(events) => {
                    self.dirty.store(true, Ordering::Relaxed);
                    for (answer, verdict) in ended {
                        // A caller that went away does not change what was kept.
                        let _ = answer.send(verdict.into_result());
                    }
                    if events {
                        self.hint.send_modify(|count| *count += 1);
                    }
                }
                Err(Broken { error, by_last }) => {
                    tracing::warn!(%error, changes = ended.len(), "a group of changes was not committed");
                    if by_last && let Some((answer, verdict)) = ended.pop() {
                        let _ = answer.send(verdict.into_result());
                    }
                    if ended.is_empty() && !by_last {
                        // Not even begun: nobody of them can get a turn now.
                        ended.extend(waiting.by_ref().map(|job| (job.answer, Verdict::Keep)));
                    }
                    for (answer, _) in ended {
                        let _ = answer.send(Err(for_all(&error)));
                    }
                }
            }
        }
    }

    /// One transaction over all jobs; `ended` gets those that had their turn.
    /// On an error the connection is dropped in whatever state it was: closing
    /// it rolls everything back, and the next group opens another.
    async fn run_jobs(
        &mut self,
        jobs: &mut std::vec::IntoIter<Job>,
        ended: &mut Vec<(oneshot::Sender<Result<()>>, Verdict)>,
    ) -> Result<bool, Broken> {
        let alone = jobs.len() == 1;
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.options.connect().await?,
        };
        // Every statement is a hand-over to SQLite's thread and back: what can
        // go together goes together.
        let begin = if alone { "BEGIN IMMEDIATE" } else { "BEGIN IMMEDIATE; SAVEPOINT job" };
        sqlx::raw_sql(begin).execute(&mut conn).await?;
        let (mut events, mut kept) = (false, 0_usize);
        while let Some(job) = jobs.next() {
            let mut tx = Tx::sqlite(conn);
            let verdict = run_one(job.run, &mut tx, self.time_limit).await;
            let marked = tx.events;
            conn = tx.into_sqlite().ok_or(Error::Closed)?;
            let keep = matches!(verdict, Verdict::Keep);
            ended.push((job.answer, verdict));
            if keep {
                events |= marked;
                kept += 1;
                // The commit closes the last savepoint.
                if jobs.len() > 0 {
                    sqlx::raw_sql("RELEASE job; SAVEPOINT job").execute(&mut conn).await?;
                }
            } else if !alone {
                // Leaves the savepoint open for the next job. Fails when SQLite
                // has rolled the whole transaction back by itself, as it does
                // on a full disk.
                let undone = sqlx::query("ROLLBACK TO job").execute(&mut conn).await;
                undone.map_err(|error| Broken { error: error.into(), by_last: true })?;
            }
        }
        if kept > 0 {
            sqlx::query("COMMIT").execute(&mut conn).await?;
            self.conn = Some(conn);
        } else if sqlx::query("ROLLBACK").execute(&mut conn).await.is_ok() {
            // Else SQLite has rolled back already, see above.
            self.conn = Some(conn);
        }
        Ok(events)
    }
}

/// Why a group was not committed.
struct Broken {
    error: Error,
    /// The last change that had its turn failed by itself and took the
    /// transaction with it: its own error is its answer.
    by_last: bool,
}

impl<E: Into<Error>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self { error: error.into(), by_last: false }
    }
}

async fn run_one(run: Change, tx: &mut Tx, limit: Duration) -> Verdict {
    // The closure itself may panic too, before it gives its future.
    let job = AssertUnwindSafe(async { run(tx).await }).catch_unwind();
    match tokio::time::timeout(limit, job).await {
        Ok(Ok(true)) => Verdict::Keep,
        Ok(Ok(false)) => Verdict::Drop,
        Ok(Err(_)) => Verdict::Fail(Error::Panicked),
        Err(_) => Verdict::Fail(Error::Timeout),
    }
}

/// What a failed group tells each of its members: the fact when it is one they
/// can do something about, else "try again".
fn for_all(error: &Error) -> Error {
    match error {
        Error::Full => Error::Full,
        Error::ReadOnly => Error::ReadOnly,
        Error::Corrupt => Error::Corrupt,
        _ => Error::Busy,
    }
}
