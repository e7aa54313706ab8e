//! Who is in which call, and who hears whom.

use std::fmt;
use std::str::FromStr;

/// A number of calls that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// One call: one films, so many watch.
    Fan(usize),
    /// One call: so many, everybody films and watches the others.
    Mesh(usize),
    /// So many calls of two, who film and watch each other.
    Pairs(usize),
}

/// One peer's part.
#[derive(Clone, Debug)]
pub struct Part {
    pub call: String,
    pub identity: String,
    pub films: bool,
    /// How many others it hears.
    pub hears: usize,
    /// The same in numbers, as Janus wants them: its room, its own feed, the
    /// feeds it hears.
    pub room: u64,
    pub feed: u64,
    pub feeds: Vec<u64>,
}

impl Scenario {
    /// Those who film, and those who only watch.
    pub fn parts(self) -> (Vec<Part>, Vec<Part>) {
        match self {
            Self::Fan(watchers) => {
                let films = part(1, 0, true, vec![]);
                (vec![films], (1..=watchers).map(|peer| part(1, peer as u64, false, vec![0])).collect())
            }
            Self::Mesh(peers) => (mesh(1, peers as u64), vec![]),
            Self::Pairs(calls) => ((1..=calls).flat_map(|call| mesh(call as u64, 2)).collect(), vec![]),
        }
    }

    /// From how many cameras something goes to somebody, all receivers together.
    pub fn links(self) -> usize {
        match self {
            Self::Fan(watchers) => watchers,
            Self::Mesh(peers) => peers * peers.saturating_sub(1),
            Self::Pairs(calls) => calls * 2,
        }
    }
}

fn mesh(room: u64, peers: u64) -> Vec<Part> {
    let others = |me| (0..peers).filter(move |peer| *peer != me).collect();
    (0..peers).map(|peer| part(room, peer, true, others(peer))).collect()
}

fn part(room: u64, peer: u64, films: bool, hears: Vec<u64>) -> Part {
    // Feeds are numbered over all rooms, and not with zero.
    let feed = |peer| room * 1_000 + peer + 1;
    Part {
        call: format!("load-{room}"),
        identity: format!("peer-{peer}"),
        films,
        hears: hears.len(),
        room,
        feed: feed(peer),
        feeds: hears.into_iter().map(feed).collect(),
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fan(watchers) => write!(f, "fan:{watchers}"),
            Self::Mesh(peers) => write!(f, "mesh:{peers}"),
            Self::Pairs(calls) => write!(f, "pairs:{calls}"),
        }
    }
}

impl FromStr for Scenario {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, number) = text.split_once(':').unwrap_or((text, ""));
        let number = number.parse();
        match (kind, number) {
            ("fan", Ok(number)) => Ok(Self::Fan(number)),
            ("mesh", Ok(number)) => Ok(Self::Mesh(number)),
            ("pairs", Ok(number)) => Ok(Self::Pairs(number)),
            _ => anyhow::bail!("no scenario {text:?}: fan:N, mesh:N or pairs:N"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_read_as_they_are_written() {
        for text in ["fan:50", "mesh:5", "pairs:12"] {
            assert_eq!(text.parse::<Scenario>().unwrap().to_string(), text);
        }
        assert!("fan".parse::<Scenario>().is_err());
    }

    #[test]
    fn everybody_hears_who_films_in_their_call_and_not_themselves() {
        for scenario in [Scenario::Fan(3), Scenario::Mesh(5), Scenario::Pairs(2)] {
            let (films, watches) = scenario.parts();
            let all: Vec<&Part> = films.iter().chain(&watches).collect();
            assert_eq!(all.iter().map(|part| part.hears).sum::<usize>(), scenario.links());
            for part in &all {
                assert_eq!(part.feeds.len(), part.hears);
                assert!(!part.feeds.contains(&part.feed));
                let heard = films.iter().filter(|other| part.feeds.contains(&other.feed));
                assert!(heard.filter(|other| other.room == part.room).count() == part.hears);
            }
        }
    }
}
