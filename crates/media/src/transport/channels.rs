//! The data channels of one connection.

use str0m::channel::ChannelId;

use super::{Channel, Transport};

impl Transport {
    pub(super) fn channel_open(&mut self, id: ChannelId, label: &str) {
        let (channel, slot) = match label {
            "_reliable" => (Channel::Reliable, &mut self.reliable),
            "_lossy" => (Channel::Lossy, &mut self.lossy),
            // `_data_track` and others are not served.
            _ => return,
        };
        *slot = Some(id);
        self.channels.insert(id, channel);
        if channel == Channel::Reliable {
            if let Some(mut open) = self.rtc.channel(id) {
                open.set_buffered_amount_low_threshold(16 * 1024);
            }
            self.flush();
        }
    }

    /// Sends a data packet to this client. False when a reliable one cannot
    /// be kept either: the client is hopelessly behind.
    pub fn send_data(&mut self, channel: Channel, bytes: &bytes::Bytes) -> bool {
        match channel {
            Channel::Reliable => {
                if !self.outbox.push(bytes.clone()) {
                    return false;
                }
                self.flush();
            }
            Channel::Lossy => {
                if let Some(mut open) = self.lossy.and_then(|id| self.rtc.channel(id))
                    && open.buffered_amount() < crate::limits::LOSSY_BACKLOG
                {
                    // Refused means a full buffer, which for lossy means lost.
                    let _ = open.write(true, bytes);
                }
            }
        }
        true
    }

    pub(super) fn flush(&mut self) {
        let Some(id) = self.reliable.filter(|id| self.channels.contains_key(id)) else {
            return;
        };
        while let Some(bytes) = self.outbox.front() {
            let Some(mut open) = self.rtc.channel(id) else {
                return;
            };
            match open.write(true, bytes) {
                Ok(true) => self.outbox.pop(),
                Ok(false) | Err(_) => return,
            }
        }
    }
}
