//! A reader of the live event stream.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::Value;

use super::Client;

/// Far more than any frame needs; reached only when none comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream.
pub struct Stream {
    bytes: futures_util::stream::BoxStream<'static, Vec<u8>>,
    text: String,
}

/// A frame: its number, its type, its data.
#[derive(Debug, Clone)]
pub struct Frame {
    pub id: i64,
    pub event: String,
    pub data: Value,
}

impl Stream {
    /// Opens the stream and reads its `hello`.
    pub async fn open(client: &Client) -> Self {
        Self::after(client, None).await
    }

    /// Opens the stream after a number.
    pub async fn after(client: &Client, id: Option<i64>) -> Self {
        let mut request = client.request(Method::GET, "/events/stream");
        if let Some(id) = id {
            request = request.header("Last-Event-ID", id.to_string());
        }
        let response = request.send().await.expect("the stream opens");
        assert_eq!(response.status(), 200);
        let bytes =
            response.bytes_stream().filter_map(|chunk| async { chunk.ok().map(|chunk| chunk.to_vec()) });
        let mut stream = Self { bytes: bytes.boxed(), text: String::new() };
        assert_eq!(stream.next().await.event, "hello");
        stream
    }

    /// The next frame.
    pub async fn next(&mut self) -> Frame {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (parse(frame), rest.to_owned());
                self.text = rest;
                if let Some(frame) = frame {
                    return frame;
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.bytes.next()).await.expect("a frame in time");
            let chunk = chunk.expect("the stream goes on");
            self.text.push_str(&String::from_utf8(chunk).expect("UTF-8"));
        }
    }

    /// The next frame of a type, skipping others.
    pub async fn next_of(&mut self, event: &str) -> Frame {
        loop {
            let frame = self.next().await;
            if frame.event == event {
                return frame;
            }
        }
    }

    /// True when the server ends the stream.
    pub async fn ends(&mut self) -> bool {
        tokio::time::timeout(PATIENCE, async { while self.bytes.next().await.is_some() {} }).await.is_ok()
    }
}

fn parse(frame: &str) -> Option<Frame> {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(Frame {
        id: field("id:").and_then(|id| id.parse().ok()).unwrap_or(0),
        event: field("event:")?.to_owned(),
        data: serde_json::from_str(field("data:").unwrap_or("null")).expect("JSON data"),
    })
}
