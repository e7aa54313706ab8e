//! Carries packets over streams: clients that reach the node by TCP, directly
//! or at the relay. Each stream has a bounded queue; a client that does not
//! read loses packets first and its stream then.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::framing::Framing;

/// Packets that wait for one stream: half a second of a picture and sound.
const WAITING: usize = 256;
/// Bytes gathered for one write.
const GATHERED: usize = 32 * 1024;
/// A client that takes nothing for this long is cut.
const STALLED: Duration = Duration::from_secs(10);
/// A stream must bring its first packet within this time.
const FIRST: Duration = Duration::from_secs(10);
/// Checks come every few seconds; a stream without any is dead.
const SILENT: Duration = Duration::from_secs(60);
/// Streams of all, and from one address: a hospital is one address.
const ALL: usize = 8192;
const EACH: usize = 512;

/// The streams that are open now, by what their packets are addressed to.
/// Clones share them.
pub(super) struct Streams<K>(Arc<Mutex<Table<K>>>);

impl<K> Clone for Streams<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Table<K> {
    queues: HashMap<K, mpsc::Sender<Bytes>>,
    per_address: HashMap<IpAddr, usize>,
    dropped: u64,
}

impl<K> Default for Streams<K> {
    fn default() -> Self {
        let (queues, per_address) = (HashMap::new(), HashMap::new());
        Self(Arc::new(Mutex::new(Table { queues, per_address, dropped: 0 })))
    }
}

/// Keeps a stream in the table as long as it lives.
pub(super) struct Entry<K: Eq + Hash + Copy> {
    streams: Streams<K>,
    key: K,
    ip: IpAddr,
}

impl<K: Eq + Hash + Copy> Streams<K> {
    fn table(&self) -> MutexGuard<'_, Table<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: there are too many, or it is there already.
    pub fn add(&self, key: K, ip: IpAddr) -> Option<(Entry<K>, mpsc::Receiver<Bytes>)> {
        let mut table = self.table();
        let from_there = table.per_address.get(&ip).copied().unwrap_or(0);
        if table.queues.len() >= ALL || from_there >= EACH || table.queues.contains_key(&key) {
            return None;
        }
        let (queue, end) = mpsc::channel(WAITING);
        table.queues.insert(key, queue);
        table.per_address.insert(ip, from_there + 1);
        drop(table);
        Some((Entry { streams: self.clone(), key, ip }, end))
    }

    /// Queues a packet; what does not fit is lost, as on any network.
    pub fn send(&self, key: K, packet: &[u8]) {
        let mut table = self.table();
        let sent = table.queues.get(&key).map(|queue| queue.try_send(Bytes::copy_from_slice(packet)));
        table.dropped += u64::from(!matches!(sent, Some(Ok(()))));
    }

    /// Streams that are open, and packets that were lost for want of one that
    /// reads.
    pub fn counts(&self) -> (usize, u64) {
        let table = self.table();
        (table.queues.len(), table.dropped)
    }
}

impl<K: Eq + Hash + Copy> Drop for Entry<K> {
    fn drop(&mut self) {
        let mut table = self.streams.table();
        table.queues.remove(&self.key);
        if let Some(count) = table.per_address.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                table.per_address.remove(&self.ip);
            }
        }
    }
}

/// Carries both ways until either side ends it or breaks the rules. `each` is
/// given what comes, and says false to end.
pub(super) async fn carry<S: AsyncRead + AsyncWrite>(
    stream: S,
    framing: Framing,
    outgoing: mpsc::Receiver<Bytes>,
    each: impl FnMut(&[u8]) -> bool,
) {
    let (reader, writer) = tokio::io::split(stream);
    tokio::select! {
        () = read(reader, framing, each) => {}
        () = write(writer, framing, outgoing) => {}
    }
}

async fn read(mut reader: impl AsyncRead + Unpin, framing: Framing, mut each: impl FnMut(&[u8]) -> bool) {
    let mut buffer: Vec<u8> = Vec::with_capacity(8192);
    let mut deadline = Instant::now() + FIRST;
    loop {
        match timeout_at(deadline, reader.read_buf(&mut buffer)).await {
            Ok(Ok(1..)) => {}
            _ => return,
        }
        let mut start = 0;
        loop {
            match framing.first(&buffer[start..]) {
                Ok(Some(frame)) => {
                    if !each(&buffer[start + frame.packet.start..start + frame.packet.end]) {
                        return;
                    }
                    start += frame.end;
                    deadline = Instant::now() + SILENT;
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
        buffer.drain(..start);
    }
}

async fn write(mut writer: impl AsyncWrite + Unpin, framing: Framing, mut outgoing: mpsc::Receiver<Bytes>) {
    let mut gathered = Vec::new();
    while let Some(packet) = outgoing.recv().await {
        gathered.clear();
        framing.write(&packet, &mut gathered);
        while gathered.len() < GATHERED
            && let Ok(packet) = outgoing.try_recv()
        {
            framing.write(&packet, &mut gathered);
        }
        let written = timeout(STALLED, async {
            writer.write_all(&gathered).await?;
            writer.flush().await
        });
        if !matches!(written.await, Ok(Ok(()))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddr};

    fn key(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    #[test]
    fn an_address_has_so_many_streams_and_they_are_given_back() {
        let streams = Streams::default();
        let ip = Ipv4Addr::LOCALHOST.into();
        let open: Vec<_> = (1..=EACH as u16).map(|port| streams.add(key(port), ip).unwrap()).collect();
        assert!(streams.add(key(9999), ip).is_none());
        assert!(streams.add(key(9999), Ipv4Addr::UNSPECIFIED.into()).is_some());
        drop(open);
        assert_eq!(streams.counts(), (0, 0));
        let _open = streams.add(key(1), ip).unwrap();
        assert!(streams.add(key(1), ip).is_none(), "the same one twice");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_loses_packets_and_then_the_stream() {
        let streams = Streams::default();
        let (entry, outgoing) = streams.add(key(1), Ipv4Addr::LOCALHOST.into()).unwrap();
        let (ours, _theirs) = tokio::io::duplex(1000);
        for _ in 0..WAITING + 7 {
            streams.send(key(1), &[0; 1000]);
        }
        assert_eq!(streams.counts(), (1, 7));
        // The clock runs by itself when all wait: this ends only by the cut.
        let began = tokio::time::Instant::now();
        carry(ours, Framing::Media, outgoing, |_| true).await;
        drop(entry);
        assert_eq!(began.elapsed(), STALLED);
        assert_eq!(streams.counts().0, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_says_nothing_is_closed() {
        let streams = Streams::default();
        let (_entry, outgoing) = streams.add(key(1), Ipv4Addr::LOCALHOST.into()).unwrap();
        let (ours, mut theirs) = tokio::io::duplex(1000);
        theirs.write_all(&[0, 3, 1, 2]).await.unwrap();
        let began = tokio::time::Instant::now();
        carry(ours, Framing::Media, outgoing, |_| true).await;
        assert_eq!(began.elapsed(), FIRST, "half a packet is none");
    }

    #[tokio::test]
    async fn packets_go_both_ways() {
        let streams = Streams::default();
        let (_entry, outgoing) = streams.add(key(1), Ipv4Addr::LOCALHOST.into()).unwrap();
        let (ours, mut theirs) = tokio::io::duplex(1000);
        streams.send(key(1), b"out");
        theirs.write_all(&[0, 2, b'i', b'n', 0, 0, 0, 1, b'!']).await.unwrap();
        let mut heard = Vec::new();
        carry(ours, Framing::Media, outgoing, |packet| {
            heard.push(packet.to_vec());
            packet != b"!"
        })
        .await;
        assert_eq!(heard, [b"in".to_vec(), vec![], b"!".to_vec()]);
        let mut told = [0; 5];
        let _ = theirs.read_exact(&mut told).await;
        assert!(told == *b"\0\x03out" || told == [0; 5]);
    }
}
