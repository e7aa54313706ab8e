//! How one person's connection to a call was: figures of the media node and of
//! the person's page, which know different halves of it. No I/O.

/// Longest time that a figure tells, in ms: a day.
const LONGEST_MS: i64 = 86_400_000;
/// All packets of a million.
const ALL_PPM: i64 = 1_000_000;
/// Most freezes and reconnects that are counted.
const MOST: i64 = 100_000;
/// Most letters of a device's name.
pub const MAX_DEVICE: usize = 80;

/// On which way the media went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// Straight, as datagrams.
    Udp,
    /// Straight, in a TCP connection.
    Tcp,
    /// Through a relay (TURN).
    Relay,
}

impl Path {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Udp, Self::Tcp, Self::Relay];

    /// The word on the wire, in rows and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Relay => "relay",
        }
    }

    /// The way of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.as_str() == word)
    }
}

/// What was measured; what nobody measured is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// From the wish to enter until the media connection stood, in ms.
    pub join_ms: Option<i64>,
    /// Until the first packet of somebody else was sent to them, in ms.
    pub first_packet_ms: Option<i64>,
    /// Until the first picture of somebody else was on the screen, in ms.
    pub first_frame_ms: Option<i64>,
    /// Packets lost on the way from the person, per million.
    pub loss_up_ppm: Option<i64>,
    /// Packets lost on the way to the person, per million.
    pub loss_down_ppm: Option<i64>,
    /// Round trip, in ms.
    pub rtt_ms: Option<i64>,
    /// Jitter of what arrives, in ms.
    pub jitter_ms: Option<i64>,
    /// How often the picture stood still.
    pub freezes: Option<i64>,
    /// How long it did altogether, in ms.
    pub frozen_ms: Option<i64>,
    /// How long pictures were held back because the line was too slow, in ms.
    pub paused_ms: Option<i64>,
    /// How often the connection was lost and found again.
    pub reconnects: Option<i64>,
    /// The way that the media took.
    pub path: Option<Path>,
    /// Browser or program, such as `Chrome 126 on Windows`.
    pub device: Option<String>,
}

impl Figures {
    /// Every figure within what it can be: pages are not believed blindly.
    #[must_use]
    pub fn bounded(self) -> Self {
        let ms = |figure: Option<i64>| figure.map(|ms| ms.clamp(0, LONGEST_MS));
        let ppm = |figure: Option<i64>| figure.map(|ppm| ppm.clamp(0, ALL_PPM));
        let count = |figure: Option<i64>| figure.map(|count| count.clamp(0, MOST));
        Self {
            join_ms: ms(self.join_ms),
            first_packet_ms: ms(self.first_packet_ms),
            first_frame_ms: ms(self.first_frame_ms),
            loss_up_ppm: ppm(self.loss_up_ppm),
            loss_down_ppm: ppm(self.loss_down_ppm),
            rtt_ms: ms(self.rtt_ms),
            jitter_ms: ms(self.jitter_ms),
            freezes: count(self.freezes),
            frozen_ms: ms(self.frozen_ms),
            paused_ms: ms(self.paused_ms),
            reconnects: count(self.reconnects),
            path: self.path,
            device: self.device.map(|device| plain(&device)).filter(|device| !device.is_empty()),
        }
    }
}

/// A device's name without anything that could carry more than a name.
fn plain(device: &str) -> String {
    let kept = device.chars().filter(|c| c.is_ascii_alphanumeric() || " ._-()/".contains(*c));
    kept.take(MAX_DEVICE).collect::<String>().trim().to_owned()
}

/// A word that names a connection: what LiveKit's participant sids look like.
#[must_use]
pub fn is_sid(word: &str) -> bool {
    (4..=40).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn figures() -> impl Strategy<Value = Figures> {
        let numbers = prop::collection::vec(prop::option::of(any::<i64>()), 11);
        let path = prop::option::of((0..Path::ALL.len()).prop_map(|n| Path::ALL[n]));
        (numbers, path, prop::option::of(any::<String>())).prop_map(|(n, path, device)| Figures {
            join_ms: n[0],
            first_packet_ms: n[1],
            first_frame_ms: n[2],
            loss_up_ppm: n[3],
            loss_down_ppm: n[4],
            rtt_ms: n[5],
            jitter_ms: n[6],
            freezes: n[7],
            frozen_ms: n[8],
            reconnects: n[9],
            paused_ms: n[10],
            path,
            device,
        })
    }

    proptest! {
        #[test]
        fn whatever_a_page_says_stays_small(said in figures()) {
            let kept = said.bounded();
            for ms in [kept.join_ms, kept.first_packet_ms, kept.first_frame_ms, kept.rtt_ms, kept.jitter_ms, kept.frozen_ms, kept.paused_ms].into_iter().flatten() {
                prop_assert!((0..=LONGEST_MS).contains(&ms));
            }
            for ppm in [kept.loss_up_ppm, kept.loss_down_ppm].into_iter().flatten() {
                prop_assert!((0..=ALL_PPM).contains(&ppm));
            }
            for count in [kept.freezes, kept.reconnects].into_iter().flatten() {
                prop_assert!((0..=MOST).contains(&count));
            }
            if let Some(device) = &kept.device {
                prop_assert!(!device.is_empty() && device.len() <= MAX_DEVICE && device.is_ascii());
                prop_assert!(!device.contains(['<', '>', '"', '\n', '@']));
            }
            prop_assert_eq!(kept.clone().bounded(), kept);
        }
    }

    #[test]
    fn words_of_ways_and_connections() {
        for path in Path::ALL {
            assert_eq!(Path::parse(path.as_str()), Some(path));
        }
        assert_eq!(Path::parse("pigeon"), None);
        for good in ["PA_7hTqZ2", "PA_a-b_c9"] {
            assert!(is_sid(good), "{good}");
        }
        for bad in ["", "PA", "PA 7hTq", "PA_<b>", &"x".repeat(41)] {
            assert!(!is_sid(bad), "{bad}");
        }
    }
}
