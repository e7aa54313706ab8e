//! What the peers of a scenario know of each other: at which stage all are, and
//! what each one has seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use str0m::Event;
use tokio::sync::watch;

use crate::camera;

/// Video packets after which a receiver counts as receiving.
const WARM: u64 = 60;

/// Where a scenario is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    #[default]
    Starting,
    /// Everybody who films sends.
    Sending,
    Measuring,
    Over,
}

/// Whoever moves the stages on.
#[derive(Default)]
pub struct Conductor {
    stage: watch::Sender<Stage>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    sending: AtomicUsize,
    receiving: AtomicUsize,
}

impl Conductor {
    pub fn watch(&self) -> Watch {
        Watch {
            stage: self.stage.subscribe(),
            counts: Arc::clone(&self.counts),
            began: Instant::now(),
            late: *self.stage.borrow() > Stage::Starting,
            first_video_us: None,
            video: 0,
            packets: 0,
            delays: Vec::new(),
        }
    }

    pub fn go(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    pub fn sending(&self) -> usize {
        self.counts.sending.load(Ordering::Relaxed)
    }

    pub fn receiving(&self) -> usize {
        self.counts.receiving.load(Ordering::Relaxed)
    }
}

/// What one peer sees.
pub struct Watch {
    stage: watch::Receiver<Stage>,
    counts: Arc<Counts>,
    began: Instant,
    /// It came when the others were sending already.
    pub late: bool,
    pub first_video_us: Option<u32>,
    video: u64,
    /// Those that came during the measurement, and their delays in µs.
    pub packets: u64,
    pub delays: Vec<u32>,
}

impl Watch {
    /// For another attempt of the same peer.
    pub fn again(&self) -> Self {
        Self {
            stage: self.stage.clone(),
            counts: Arc::clone(&self.counts),
            began: Instant::now(),
            late: self.late,
            first_video_us: None,
            video: 0,
            packets: 0,
            delays: Vec::new(),
        }
    }

    /// This peer's own media connection is up.
    pub fn sends(&self) {
        self.counts.sending.fetch_add(1, Ordering::Relaxed);
    }

    pub fn saw(&mut self, event: &Event) {
        let Event::RtpPacket(packet) = event else { return };
        let Some((video, age)) = camera::read(&packet.payload) else { return };
        if video {
            let since = self.began.elapsed().as_micros() as u32;
            self.first_video_us.get_or_insert(since);
            self.video += 1;
            if self.video == WARM {
                self.counts.receiving.fetch_add(1, Ordering::Relaxed);
            }
        }
        if *self.stage.borrow() == Stage::Measuring {
            self.packets += 1;
            self.delays.push(age.as_micros() as u32);
        }
    }

    pub fn is_over(&self) -> bool {
        *self.stage.borrow() == Stage::Over
    }

    pub fn everybody_sends(&self) -> bool {
        *self.stage.borrow() >= Stage::Sending
    }

    /// Waits for the end.
    pub async fn over(&mut self) {
        self.reached(Stage::Over).await;
    }

    /// Waits until everybody sends, or when that is `known`, for the end.
    pub async fn changed(&mut self, known: bool) {
        self.reached(if known { Stage::Over } else { Stage::Sending }).await;
    }

    async fn reached(&mut self, stage: Stage) {
        // Without a conductor nothing goes on.
        let _ = self.stage.wait_for(|now| *now >= stage).await;
    }
}
