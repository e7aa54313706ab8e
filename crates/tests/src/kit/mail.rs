//! What the server has mailed.

use std::{path::PathBuf, time::Duration};

use bedside_store::jobs;

use super::Kit;

/// A letter in the folder.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its headers.
    pub headers: String,
    /// Everything after them, as it reads.
    pub body: String,
}

impl Letter {
    /// The token of the link inside.
    pub fn token(&self) -> String {
        let (_, after) = self.body.split_once("email_token=").expect("a link with a token");
        after.chars().take_while(char::is_ascii_alphanumeric).collect()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> &str {
        let line = self.headers.lines().find(|line| line.starts_with(&format!("{name}: ")));
        line.map(|line| line[name.len() + 2..].trim()).expect("the header is there")
    }
}

impl Kit {
    /// Where letters are put.
    pub fn mail_folder(&self) -> PathBuf {
        self.database().folder().join("mail")
    }

    /// All letters, once no mail waits to be sent; oldest first.
    pub async fn letters(&self) -> Vec<Letter> {
        self.mails_settled().await;
        let Ok(folder) = std::fs::read_dir(self.mail_folder()) else { return Vec::new() };
        let mut names: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
        names.retain(|name| name.extension().is_some_and(|ending| ending == "eml"));
        names.sort();
        names.iter().map(|name| read(&std::fs::read_to_string(name).expect("a letter"))).collect()
    }

    async fn mails_settled(&self) {
        let settled = async {
            let mut conn = self.app.store.reader().await.expect("a connection");
            while !jobs::waiting(&mut conn, bedside_app::mail::SEND_JOB).await.expect("jobs").is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), settled).await.expect("mails are sent");
    }
}

/// Undoes the quoting that letters travel with.
fn read(text: &str) -> Letter {
    let (headers, body) = text.split_once("\r\n\r\n").expect("headers and a body");
    let body = body.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n");
    Letter { headers: headers.replace("\r\n ", " "), body }
}
