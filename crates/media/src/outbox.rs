//! Reliable data that waits until a slow receiver has room, up to a bound.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::limits;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Bytes>,
    bytes: usize,
}

impl Outbox {
    /// False when the backlog is full; the packet is not kept then.
    pub fn push(&mut self, packet: Bytes) -> bool {
        if self.bytes + packet.len() > limits::BACKLOG {
            return false;
        }
        self.bytes += packet.len();
        self.waiting.push_back(packet);
        true
    }

    pub fn front(&self) -> Option<&Bytes> {
        self.waiting.front()
    }

    pub fn pop(&mut self) {
        if let Some(sent) = self.waiting.pop_front() {
            self.bytes -= sent.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backlog_is_bounded_and_freed() {
        let mut outbox = Outbox::default();
        let packet = Bytes::from(vec![0; limits::BACKLOG / 2]);
        assert!(outbox.push(packet.clone()));
        assert!(outbox.push(packet.clone()));
        assert!(!outbox.push(Bytes::from_static(b"x")));
        assert_eq!(outbox.front().map(Bytes::len), Some(packet.len()));
        outbox.pop();
        assert!(outbox.push(Bytes::from_static(b"x")));
    }
}
