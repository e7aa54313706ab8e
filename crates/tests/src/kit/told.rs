//! What people were told: waits until every event was read and everything that
//! is due was handed over.

use std::time::Duration;

use bedside_store::{event_cursors, events, jobs};

use super::{Kit, Letter};

impl Kit {
    /// Waits until nothing is left to tell right now.
    pub async fn told(&self) {
        let settled = async {
            while !self.is_told().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), settled).await.expect("people are told");
    }

    async fn is_told(&self) -> bool {
        let mut conn = self.app.store.reader().await.expect("a connection");
        let now = self.app.clock.now();
        let unread = events::any_unnumbered(&mut conn).await.expect("events")
            || !event_cursors::list_behind(&mut conn, "notifications").await.expect("cursors").is_empty();
        if unread {
            return false;
        }
        for kind in [
            bedside_app::interpreters::NEXT_JOB,
            bedside_app::reminders::SEND_JOB,
            bedside_app::notifications::ALERT_JOB,
            bedside_app::notifications::SEND_JOB,
        ] {
            let waiting = jobs::waiting(&mut conn, kind).await.expect("jobs");
            if waiting.iter().any(|job| job.run_at <= now) {
                return false;
            }
        }
        true
    }

    /// The letters with a subject, once everybody was told.
    pub async fn letters_about(&self, subject: &str) -> Vec<Letter> {
        self.told().await;
        let letters = self.letters().await;
        letters.into_iter().filter(|letter| letter.header("Subject") == subject).collect()
    }

    /// The short messages, once everybody was told: number and text.
    pub async fn short_messages(&self) -> Vec<(String, String)> {
        self.told().await;
        let Ok(folder) = std::fs::read_dir(self.database().folder().join("sms")) else { return Vec::new() };
        let mut names: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
        names.retain(|name| name.extension().is_some_and(|ending| ending == "txt"));
        names.sort();
        let read = |name: &std::path::PathBuf| {
            let text = std::fs::read_to_string(name).expect("a message");
            let (number, text) = text.split_once("\n\n").expect("a number and a text");
            (number.to_owned(), text.trim().to_owned())
        };
        names.iter().map(read).collect()
    }
}
