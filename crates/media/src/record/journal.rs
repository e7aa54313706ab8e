//! A part on the disk: records, each with its length before it and sealed, so
//! that nobody reads them without the recording's key, and a crash costs no
//! more than the last one. Read back, they make the part's Matroska file.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::matroska;
use super::part::{Description, Piece};

/// Seals a record of a part, by the part's number and the record's.
pub type Seal = Arc<dyn Fn(u32, u64, Vec<u8>) -> Option<Vec<u8>> + Send + Sync>;

/// A record longer than this is none of ours.
const LONGEST: u32 = 64 * 1024 * 1024;

const DESCRIPTION: u8 = 0;
const HEADER: u8 = 1;
const MEDIA: u8 = 2;
const GAP: u8 = 3;
const END: u8 = 4;

/// Writes the records of one part.
pub struct Journal<W> {
    part: u32,
    index: u64,
    seal: Seal,
    out: W,
}

impl<W: Write> Journal<W> {
    /// A journal of the part of this number.
    pub fn new(part: u32, seal: Seal, out: W) -> Self {
        Self { part, index: 0, seal, out }
    }

    pub(crate) fn write(&mut self, piece: &Piece) -> io::Result<()> {
        match piece {
            Piece::Begin(description, header) => {
                let description = serde_json::to_vec(description).map_err(io::Error::other)?;
                self.record(DESCRIPTION, (0, 0), &description)?;
                self.record(HEADER, (0, 0), header)
            }
            Piece::Media { first_ms, last_ms, bytes } => self.record(MEDIA, (*first_ms, *last_ms), bytes),
            Piece::Gap { from_ms, to_ms } => self.record(GAP, (*from_ms, *to_ms), &[]),
            Piece::End => self.record(END, (0, 0), &[]),
        }
    }

    fn record(&mut self, kind: u8, times: (u64, u64), bytes: &[u8]) -> io::Result<()> {
        let mut plain = Vec::with_capacity(bytes.len() + 17 + 16);
        plain.push(kind);
        plain.extend_from_slice(&times.0.to_be_bytes());
        plain.extend_from_slice(&times.1.to_be_bytes());
        plain.extend_from_slice(bytes);
        let sealed = (self.seal)(self.part, self.index, plain)
            .ok_or_else(|| io::Error::other("a record could not be sealed"))?;
        self.index += 1;
        let length = u32::try_from(sealed.len()).ok().filter(|length| *length <= LONGEST);
        let length = length.ok_or_else(|| io::Error::other("a record is too long"))?;
        // One write, so that no other one comes between.
        self.out.write_all(&[&length.to_be_bytes()[..], &sealed].concat())
    }
}

/// Something is missing within a part, ms since the recording began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub from_ms: u64,
    pub to_ms: u64,
}

/// A part that was read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    pub description: Description,
    /// The last frame's time, ms since the recording began.
    pub last_ms: u64,
    pub gaps: Vec<Gap>,
    /// It was ended, not broken off by a crash.
    pub whole: bool,
}

/// Why a part cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// Nothing can be shown of it: it broke off before its first second.
    #[error("the part holds nothing yet")]
    Empty,
    /// It was altered, or the key is another one.
    #[error("the part does not open with this key")]
    Sealed,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Opened {
    /// Reads a part back and writes its Matroska file. What was torn off by a
    /// crash at the end is left out.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn read(
        part: u32,
        open: &Seal,
        journal: &mut impl Read,
        file: &mut (impl Write + Seek),
    ) -> Result<Self, Broken> {
        let (mut description, mut header) = (None, Vec::new());
        let (mut last_ms, mut gaps, mut whole) = (None, Vec::new(), false);
        let mut index = 0;
        while let Some(sealed) = next(journal)? {
            let record = match open(part, index, sealed) {
                Some(record) => record,
                None if index == 0 => return Err(Broken::Sealed),
                // Torn in its middle: what came before it counts.
                None => break,
            };
            index += 1;
            let Some((kind, from, to, bytes)) = parse(&record) else { break };
            match kind {
                DESCRIPTION => {
                    description = serde_json::from_slice::<Description>(bytes).ok();
                }
                HEADER => {
                    header = bytes.to_vec();
                    file.write_all(&header)?;
                }
                MEDIA => {
                    last_ms = Some(to);
                    file.write_all(bytes)?;
                }
                GAP => gaps.push(Gap { from_ms: from, to_ms: to }),
                END => whole = true,
                _ => break,
            }
        }
        let (Some(description), Some(last_ms)) = (description, last_ms) else { return Err(Broken::Empty) };
        matroska::with_duration(&mut header, last_ms.saturating_sub(description.start_ms));
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        file.seek(SeekFrom::End(0))?;
        file.flush()?;
        Ok(Self { description, last_ms, gaps, whole })
    }
}

/// The next record; none at the end, also when it was torn off.
fn next(journal: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match journal.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_be_bytes(length);
    if length > LONGEST {
        return Ok(None);
    }
    let mut sealed = vec![0; length as usize];
    match journal.read_exact(&mut sealed) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        other => other.map(|()| Some(sealed)),
    }
}

fn parse(record: &[u8]) -> Option<(u8, u64, u64, &[u8])> {
    let (kind, rest) = record.split_first()?;
    let (from, rest) = rest.split_first_chunk::<8>()?;
    let (to, bytes) = rest.split_first_chunk::<8>()?;
    Some((*kind, u64::from_be_bytes(*from), u64::from_be_bytes(*to), bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::part::Media;
    use super::*;

    fn mask(key: u8) -> Seal {
        Arc::new(move |part, index, bytes: Vec<u8>| {
            Some(bytes.iter().map(|byte| byte ^ key ^ part as u8 ^ index as u8).collect())
        })
    }

    fn written() -> Vec<u8> {
        let mut journal = Journal::new(3, mask(0x5a), Vec::new());
        let description =
            Description { identity: "user-1".to_owned(), media: Media::Opus, screen: false, start_ms: 500 };
        journal.write(&Piece::Begin(description, b"head".to_vec())).unwrap();
        journal.write(&Piece::Media { first_ms: 500, last_ms: 1_480, bytes: b"one".to_vec() }).unwrap();
        journal.write(&Piece::Gap { from_ms: 1_480, to_ms: 2_900 }).unwrap();
        journal.write(&Piece::Media { first_ms: 2_900, last_ms: 3_000, bytes: b"two".to_vec() }).unwrap();
        journal.write(&Piece::End).unwrap();
        journal.out
    }

    #[test]
    fn what_was_written_is_read_and_a_torn_end_costs_its_last_record() {
        let bytes = written();
        let mut file = Cursor::new(Vec::new());
        let opened = Opened::read(3, &mask(0x5a), &mut &bytes[..], &mut file).unwrap();
        assert_eq!(file.into_inner(), b"headonetwo");
        assert!(opened.whole);
        assert_eq!((opened.last_ms, opened.description.start_ms), (3_000, 500));
        assert_eq!(opened.gaps, [Gap { from_ms: 1_480, to_ms: 2_900 }]);
        let mut sound = 0;
        for cut in 0..bytes.len() {
            let mut file = Cursor::new(Vec::new());
            match Opened::read(3, &mask(0x5a), &mut &bytes[..cut], &mut file) {
                Ok(opened) => {
                    assert!(!opened.whole);
                    assert!(file.into_inner().starts_with(b"headone"));
                    sound += 1;
                }
                Err(error) => assert!(matches!(error, Broken::Empty), "{cut}: {error}"),
            }
        }
        assert!(sound > 20);
    }

    #[test]
    fn nothing_lies_open_on_the_disk() {
        let bytes = written();
        for word in [&b"user-1"[..], b"head", b"one"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word));
        }
    }
}
