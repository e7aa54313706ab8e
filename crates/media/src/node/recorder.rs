//! The thread that writes recordings. It is behind a bounded queue: forwarding
//! never waits for a disk, and what the disk does not take in time is left out
//! and so becomes a gap.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::StartError;
use super::worker::now;
use crate::record::{Journal, Packet, Part, Piece, Recorded, Seal};

/// Packets that wait for the disk: some seconds of a full house.
const MOST_WAITING: usize = 16_384;
/// How often it looks for packets that were waited for too long.
const LOOK: Duration = Duration::from_millis(200);

/// Where a recording goes.
pub(super) struct Place {
    pub folder: PathBuf,
    pub seal: Seal,
}

enum Order {
    Begin {
        recording: String,
        place: Place,
        ready: oneshot::Sender<io::Result<()>>,
    },
    Take(Recorded),
    /// Answered when everything before it is written.
    Forget {
        recording: String,
        done: oneshot::Sender<()>,
    },
}

/// A handle to the thread; it ends with the last of them.
#[derive(Clone)]
pub(super) struct Recorder {
    orders: Sender<Order>,
    waiting: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

impl Recorder {
    pub fn spawn() -> Result<Self, StartError> {
        let (orders, queue) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&waiting);
        std::thread::Builder::new()
            .name("media-recorder".to_owned())
            .spawn(move || Writer::default().run(&queue, &counted))
            .map_err(StartError::Thread)?;
        Ok(Self { orders, waiting, dropped: Arc::default() })
    }

    /// Makes the folder ready.
    pub async fn begin(&self, recording: &str, place: Place) -> io::Result<()> {
        let (ready, answer) = oneshot::channel();
        let order = Order::Begin { recording: recording.to_owned(), place, ready };
        self.orders.send(order).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Takes what a call hands out; never waits.
    pub fn take(&self, recorded: Recorded) {
        if matches!(recorded, Recorded::Packet(_)) {
            if self.waiting.load(Ordering::Relaxed) >= MOST_WAITING {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
            self.waiting.fetch_add(1, Ordering::Relaxed);
        }
        // Without its thread nothing is recorded; the call goes on.
        let _ = self.orders.send(Order::Take(recorded));
    }

    /// Waits until everything that was taken is written.
    pub async fn settle(&self, recording: &str) {
        let (done, answer) = oneshot::channel();
        if self.orders.send(Order::Forget { recording: recording.to_owned(), done }).is_ok() {
            let _ = answer.await;
        }
    }

    /// Packets that the disk was too slow for.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) as u64
    }
}

fn gone() -> io::Error {
    io::Error::other("the recorder has ended")
}

#[derive(Default)]
struct Writer {
    running: HashMap<String, Running>,
}

struct Running {
    place: Place,
    began: Option<Instant>,
    parts: u32,
    tracks: HashMap<Arc<str>, Track>,
}

struct Track {
    part: Part,
    journal: Option<Journal<File>>,
}

impl Writer {
    fn run(mut self, queue: &Receiver<Order>, waiting: &AtomicUsize) {
        let mut look = now() + LOOK;
        loop {
            match queue.recv_timeout(look.saturating_duration_since(now())) {
                Ok(Order::Begin { recording, place, ready }) => {
                    let made = make_folder(&place.folder);
                    if made.is_ok() {
                        let running = Running { place, began: None, parts: 0, tracks: HashMap::new() };
                        self.running.entry(recording).or_insert(running);
                    }
                    let _ = ready.send(made);
                }
                Ok(Order::Take(recorded)) => {
                    if matches!(recorded, Recorded::Packet(_)) {
                        waiting.fetch_sub(1, Ordering::Relaxed);
                    }
                    self.take(recorded);
                }
                Ok(Order::Forget { recording, done }) => {
                    if let Some(mut running) = self.running.remove(&recording) {
                        running.end();
                    }
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return self.running.values_mut().for_each(Running::end);
                }
            }
            if now() >= look {
                look = now() + LOOK;
                let now = now();
                self.running.values_mut().for_each(|running| running.tick(now));
            }
        }
    }

    fn take(&mut self, recorded: Recorded) {
        match recorded {
            Recorded::Began { recording, at } => {
                if let Some(running) = self.running.get_mut(&*recording) {
                    running.began = Some(at);
                }
            }
            Recorded::Packet(packet) => {
                if let Some(running) = self.running.get_mut(&*packet.recording) {
                    running.packet(packet);
                }
            }
            Recorded::Ended { recording, .. } => {
                if let Some(running) = self.running.get_mut(&*recording) {
                    running.end();
                }
            }
        }
    }
}

impl Running {
    fn packet(&mut self, packet: Packet) {
        let Some(began) = self.began else { return };
        let track = match self.tracks.get_mut(&packet.track) {
            Some(track) => track,
            None => {
                let Some(part) = Part::new(began, &packet) else { return };
                self.tracks.entry(Arc::clone(&packet.track)).or_insert(Track { part, journal: None })
            }
        };
        let mut pieces = Vec::new();
        track.part.push(now(), packet, &mut pieces);
        track.write(&self.place, &mut self.parts, pieces);
    }

    fn tick(&mut self, now: Instant) {
        for track in self.tracks.values_mut() {
            let mut pieces = Vec::new();
            track.part.tick(now, &mut pieces);
            track.write(&self.place, &mut self.parts, pieces);
        }
    }

    fn end(&mut self) {
        for (_, mut track) in self.tracks.drain() {
            let mut pieces = Vec::new();
            track.part.end(&mut pieces);
            track.write(&self.place, &mut self.parts, pieces);
        }
    }
}

impl Track {
    fn write(&mut self, place: &Place, parts: &mut u32, pieces: Vec<Piece>) {
        for piece in pieces {
            if let Err(error) = self.write_one(place, parts, &piece) {
                // The next part may find room again; this one is a gap.
                tracing::error!(%error, "a part of a recording could not be written");
                self.journal = None;
            }
        }
    }

    fn write_one(&mut self, place: &Place, parts: &mut u32, piece: &Piece) -> io::Result<()> {
        if matches!(piece, Piece::Begin(..)) {
            *parts += 1;
            let file =
                OpenOptions::new().write(true).create_new(true).open(path_of(&place.folder, *parts))?;
            self.journal = Some(Journal::new(*parts, Arc::clone(&place.seal), file));
        }
        if let Some(journal) = &mut self.journal {
            journal.write(piece)?;
        }
        if matches!(piece, Piece::End) {
            self.journal = None;
        }
        Ok(())
    }
}

/// Where a part of this number lies.
pub fn path_of(folder: &Path, part: u32) -> PathBuf {
    folder.join(format!("part-{part:05}"))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Mutex;

    use str0m::format::Codec;

    use super::*;
    use crate::record::Opened;

    /// Opus of 20 ms each.
    fn packet(began: Instant, seq: usize) -> Recorded {
        Recorded::Packet(Packet {
            recording: "r".into(),
            identity: "ann".into(),
            track: "TR".into(),
            codec: Codec::Opus,
            screen: false,
            run: 0,
            seq: seq as u64,
            rtp_time: seq as u32 * 960,
            marker: false,
            captured: began + Duration::from_millis(20 * seq as u64),
            payload: Arc::from([0xf8, 0xff, 0xfe]),
        })
    }

    #[tokio::test]
    async fn a_flood_waits_for_no_disk_and_what_the_disk_missed_is_a_gap() {
        let folder = tempfile::tempdir().unwrap();
        // A disk that stands still from its first record on, until it is let go.
        let disk = Arc::new(Mutex::new(()));
        let (reached, at_the_disk) = channel();
        let waits = Arc::clone(&disk);
        let seal: Seal = Arc::new(move |_, _, bytes| {
            let _ = reached.send(());
            let _passed = waits.lock();
            Some(bytes)
        });
        let recorder = Recorder::spawn().unwrap();
        recorder.begin("r", Place { folder: folder.path().to_owned(), seal }).await.unwrap();
        let began = now();
        recorder.take(Recorded::Began { recording: "r".into(), at: began });
        let stands_still = disk.lock().unwrap();
        recorder.take(packet(began, 0));
        at_the_disk.recv().unwrap();
        for seq in 1..=MOST_WAITING + 1_000 {
            recorder.take(packet(began, seq));
        }
        assert_eq!(recorder.dropped(), 1_000, "what has no room is left out and counted");
        drop(stands_still);
        // The next packet that finds room comes after all that was left out.
        while recorder.waiting.load(Ordering::Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
        let after = MOST_WAITING + 1_001;
        (after..after + 100).for_each(|seq| recorder.take(packet(began, seq)));
        recorder.settle("r").await;
        assert_eq!(recorder.dropped(), 1_000, "nothing more is lost once the disk follows");

        let plain: Seal = Arc::new(|_, _, bytes| Some(bytes));
        let mut ends = Vec::new();
        let mut gaps = Vec::new();
        for part in 1.. {
            let Ok(mut journal) = File::open(path_of(folder.path(), part)) else { break };
            let opened = Opened::read(part, &plain, &mut journal, &mut Cursor::new(Vec::new())).unwrap();
            assert!(opened.whole);
            ends.push((opened.description.start_ms, opened.last_ms));
            gaps.extend(opened.gaps);
        }
        // 1 000 packets of 20 ms are missing, between parts or within one.
        let last_before = 20 * MOST_WAITING as u64;
        let within = gaps
            .iter()
            .any(|gap| gap.from_ms.abs_diff(last_before) < 100 && gap.to_ms >= last_before + 20_000);
        let between = ends
            .windows(2)
            .any(|two| two[0].1.abs_diff(last_before) < 100 && two[1].0 >= last_before + 20_000);
        assert!(within || between, "{gaps:?} {ends:?}");
    }
}
