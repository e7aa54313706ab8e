//! What a file is, told by its bytes. Only what a clinic needs is allowed
//! (contract more.md 2.4); everything else is no kind at all.

/// An allowed kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Photo.
    Jpg,
    /// Picture.
    Png,
    /// Picture.
    Gif,
    /// Photo of an iPhone; kept and offered as it is.
    Heic,
    /// Picture.
    Webp,
    /// Document.
    Pdf,
    /// Text in UTF-8.
    Txt,
    /// Text in UTF-8 whose name says that it is a table.
    Csv,
    /// Word before 2007.
    Doc,
    /// Word.
    Docx,
    /// Excel before 2007.
    Xls,
    /// Excel.
    Xlsx,
    /// Video.
    Mp4,
    /// Video of an iPhone.
    Mov,
    /// Sound.
    Wav,
    /// Sound.
    Mp3,
    /// A DICOM image of a radiology.
    Dcm,
}

/// How much of the beginning [`Kind::of`] wants to see, in bytes.
const HEAD: usize = 64 * 1024;

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Jpg,
        Self::Png,
        Self::Gif,
        Self::Heic,
        Self::Webp,
        Self::Pdf,
        Self::Txt,
        Self::Csv,
        Self::Doc,
        Self::Docx,
        Self::Xls,
        Self::Xlsx,
        Self::Mp4,
        Self::Mov,
        Self::Wav,
        Self::Mp3,
        Self::Dcm,
    ];

    /// How many bytes of a file's beginning tell its kind.
    pub const HEAD: usize = HEAD;

    /// The kind's own extension, without a dot; also what is stored.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Heic => "heic",
            Self::Webp => "webp",
            Self::Pdf => "pdf",
            Self::Txt => "txt",
            Self::Csv => "csv",
            Self::Doc => "doc",
            Self::Docx => "docx",
            Self::Xls => "xls",
            Self::Xlsx => "xlsx",
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Wav => "wav",
            Self::Mp3 => "mp3",
            Self::Dcm => "dcm",
        }
    }

    /// The kind whose own extension this is.
    #[must_use]
    pub fn parse(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.extension() == extension)
    }

    /// May a file of this kind bear this extension?
    #[must_use]
    pub fn fits(self, extension: &str) -> bool {
        let extension = extension.to_ascii_lowercase();
        let others: &[&str] = match self {
            Self::Jpg => &["jpeg", "jpe", "jfif"],
            Self::Heic => &["heif"],
            Self::Txt => &["text", "log"],
            Self::Mp4 => &["m4v", "m4a"],
            Self::Mov => &["qt"],
            Self::Wav => &["wave"],
            Self::Dcm => &["dicom"],
            _ => &[],
        };
        extension == self.extension() || others.contains(&extension.as_str())
    }

    /// The media type it is served with.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Heic => "image/heic",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Txt => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Doc => "application/msword",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xls => "application/vnd.ms-excel",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
            Self::Wav => "audio/wav",
            Self::Mp3 => "audio/mpeg",
            Self::Dcm => "application/dicom",
        }
    }

    /// A picture that browsers may show.
    #[must_use]
    pub const fn is_image(self) -> bool {
        matches!(self, Self::Jpg | Self::Png | Self::Gif | Self::Webp | Self::Heic)
    }

    /// A picture whose pixels we can read.
    #[must_use]
    pub const fn is_decodable(self) -> bool {
        matches!(self, Self::Jpg | Self::Png | Self::Gif | Self::Webp)
    }

    /// Text, whose every byte has to be checked.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Txt | Self::Csv)
    }

    /// May a browser show it in place of saving it?
    #[must_use]
    pub const fn is_shown(self) -> bool {
        self.is_image() || matches!(self, Self::Pdf)
    }

    /// The kind of a file that begins so; none when it is not allowed. The
    /// name only chooses between kinds that share their form: Word and Excel
    /// before 2007, texts and tables. Whether all of a text is text is for
    /// [`TextCheck`] to say.
    #[must_use]
    pub fn of(head: &[u8], name: &str) -> Option<Self> {
        let head = &head[..head.len().min(HEAD)];
        let named = |extension: &str| {
            name.rsplit_once('.').is_some_and(|(_, shown)| shown.eq_ignore_ascii_case(extension))
        };
        let at = |offset: usize, mark: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(mark));
        if at(0, b"\xff\xd8\xff") {
            Some(Self::Jpg)
        } else if at(0, b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
            Some(Self::Gif)
        } else if at(0, b"RIFF") {
            match head.get(8..12)? {
                b"WEBP" => Some(Self::Webp),
                b"WAVE" => Some(Self::Wav),
                _ => None,
            }
        } else if at(0, b"%PDF-") {
            Some(Self::Pdf)
        } else if at(4, b"ftyp") {
            base_media(head)
        } else if at(0, b"PK\x03\x04") {
            office(head)
        } else if at(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
            // The container's directory, which would tell, may be anywhere.
            Some(if named("xls") { Self::Xls } else { Self::Doc })
        } else if at(128, b"DICM") {
            Some(Self::Dcm)
        } else if at(0, b"ID3") || is_mp3_frame(head) {
            Some(Self::Mp3)
        } else if TextCheck::default().push(head) && !head.is_empty() {
            Some(if named("csv") { Self::Csv } else { Self::Txt })
        } else {
            None
        }
    }
}

/// MP4 and its relatives by their brands (ISO/IEC 14496-12, 4.3).
fn base_media(head: &[u8]) -> Option<Kind> {
    let length = u32::from_be_bytes(head.get(..4)?.try_into().ok()?) as usize;
    let brands = head.get(8..length.min(head.len()))?;
    // The second four bytes are the minor version.
    let all = brands.chunks_exact(4).enumerate().filter(|(n, _)| *n != 1).map(|(_, brand)| brand);
    let of = |brand: &[u8]| match brand {
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" => Some(Kind::Heic),
        b"qt  " => Some(Kind::Mov),
        b"isom" | b"iso2" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"M4A "
        | b"dash" | b"3gp4" | b"3gp5" | b"3gp6" => Some(Kind::Mp4),
        _ => None,
    };
    all.map(of).find(Option::is_some).flatten()
}

/// Word or Excel by the names of the entries of a ZIP archive.
fn office(head: &[u8]) -> Option<Kind> {
    const ENTRY: &[u8] = b"PK\x03\x04";
    const NAME: usize = 30;
    let mut rest = head;
    while let Some(at) = rest.windows(ENTRY.len()).position(|window| window == ENTRY) {
        rest = &rest[at..];
        match rest.get(NAME..) {
            Some(name) if name.starts_with(b"word/") => return Some(Kind::Docx),
            Some(name) if name.starts_with(b"xl/") => return Some(Kind::Xlsx),
            _ => rest = &rest[ENTRY.len()..],
        }
    }
    None
}

/// A frame of MPEG audio, layer III (ISO/IEC 11172-3, 2.4.1.3).
fn is_mp3_frame(head: &[u8]) -> bool {
    let [a, b, c, ..] = head else { return false };
    let (version, layer, rate, frequency) = (b >> 3 & 3, b >> 1 & 3, c >> 4, c >> 2 & 3);
    *a == 0xff && *b >= 0xe0 && version != 1 && layer == 1 && rate != 0 && rate != 15 && frequency != 3
}

/// Is all of it text? Fed with pieces that may cut characters in two.
#[derive(Debug, Default, Clone)]
pub struct TextCheck {
    cut: Vec<u8>,
}

impl TextCheck {
    /// Takes the next piece; false when it is no UTF-8 or has control
    /// characters that no text has.
    pub fn push(&mut self, piece: &[u8]) -> bool {
        let joined;
        let bytes = if self.cut.is_empty() {
            piece
        } else {
            joined = [self.cut.as_slice(), piece].concat();
            &joined
        };
        let (valid, rest) = match std::str::from_utf8(bytes) {
            Ok(_) => (bytes, &[][..]),
            Err(error) if error.error_len().is_none() => bytes.split_at(error.valid_up_to()),
            Err(_) => return false,
        };
        let odd = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c);
        let plain = !valid.iter().any(odd);
        self.cut = rest.to_vec();
        plain
    }

    /// True when no character was left cut in two.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.cut.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zip(names: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for name in names {
            bytes.extend(b"PK\x03\x04");
            bytes.extend([0; 22]);
            bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            bytes.extend([0; 2]);
            bytes.extend(name.as_bytes());
            bytes.extend([7; 40]);
        }
        bytes
    }

    fn media(brand: &[u8], compatible: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + compatible.len()).unwrap();
        [&length.to_be_bytes(), b"ftyp".as_slice(), brand, &[0; 4], compatible, &[0; 9]].concat()
    }

    #[test]
    fn content_decides() {
        let dicom = [&[0; 128], b"DICM\x02\0".as_slice()].concat();
        let old_office = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0";
        for (head, name, kind) in [
            (b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec(), "x.txt", Some(Kind::Jpg)),
            (b"\x89PNG\r\n\x1a\n\0".to_vec(), "x", Some(Kind::Png)),
            (b"GIF89a\x01\0".to_vec(), "x", Some(Kind::Gif)),
            (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), "x", Some(Kind::Webp)),
            (b"RIFF\x10\0\0\0WAVEfmt ".to_vec(), "x", Some(Kind::Wav)),
            (b"RIFF\x10\0\0\0AVI LIST".to_vec(), "x", None),
            (b"%PDF-1.7\n".to_vec(), "x", Some(Kind::Pdf)),
            (media(b"heic", b"mif1heic"), "x", Some(Kind::Heic)),
            (media(b"mif1", b"mif1heic"), "x", Some(Kind::Heic)),
            (media(b"avif", b"mif1avif"), "x", None),
            (media(b"qt  ", b""), "x", Some(Kind::Mov)),
            (media(b"isom", b"iso2mp41"), "x", Some(Kind::Mp4)),
            (zip(&["[Content_Types].xml", "_rels/.rels", "word/document.xml"]), "x", Some(Kind::Docx)),
            (zip(&["[Content_Types].xml", "xl/workbook.xml"]), "x", Some(Kind::Xlsx)),
            (zip(&["virus.exe"]), "x.docx", None),
            (old_office.to_vec(), "a.xls", Some(Kind::Xls)),
            (old_office.to_vec(), "a.doc", Some(Kind::Doc)),
            (dicom, "x", Some(Kind::Dcm)),
            (b"ID3\x04\0".to_vec(), "x", Some(Kind::Mp3)),
            (b"\xff\xfb\x90\x64".to_vec(), "x", Some(Kind::Mp3)),
            (b"hello, world".to_vec(), "x.jpg", Some(Kind::Txt)),
            (b"a,b\n1,2\n".to_vec(), "t.CSV", Some(Kind::Csv)),
            ("M\u{fc}ller".as_bytes().to_vec(), "x", Some(Kind::Txt)),
            (b"\xff\xfeh\0i\0".to_vec(), "utf16.txt", None),
            (b"MZ\x90\0\x03".to_vec(), "x.jpg", None),
            (b"\x7fELF\x02".to_vec(), "x.pdf", None),
            (Vec::new(), "x.txt", None),
        ] {
            assert_eq!(Kind::of(&head, name), kind, "{name} {head:?}");
        }
    }

    #[test]
    fn extensions_are_each_kind_s_own() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.extension()), Some(kind));
            assert!(kind.fits(&kind.extension().to_uppercase()));
            assert!(!kind.fits("html") && !kind.fits("svg") && !kind.fits("exe"));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(head in proptest::collection::vec(any::<u8>(), 0..600), name in "\\PC*") {
            let _ = Kind::of(&head, &name);
        }

        #[test]
        fn beginnings_with_anything_after_them_do_not_panic(n in 0usize..6, rest in proptest::collection::vec(any::<u8>(), 0..200)) {
            let marks: [&[u8]; 6] = [b"PK\x03\x04", b"\0\0\0\x20ftyp", b"RIFF", b"\xff", b"\xff\xfb", b"\0\0\0\0ftyp"];
            let _ = Kind::of(&[marks[n], &rest].concat(), "x");
        }

        #[test]
        fn text_in_pieces_is_text(text in "[^\\x00-\\x1f]{0,80}", cuts in proptest::collection::vec(0usize..300, 0..6)) {
            let bytes = text.as_bytes();
            let mut at: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let mut check = TextCheck::default();
            for pair in at.windows(2) {
                prop_assert!(check.push(&bytes[pair[0]..pair[1]]));
            }
            prop_assert!(check.is_whole());
        }

        #[test]
        fn one_bad_byte_anywhere_is_no_text(text in "[a-z\u{e9}]{1,40}", at in any::<prop::sample::Index>(), bad in prop::sample::select(vec![0u8, 1, 0xc0, 0xff])) {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = bad;
            let mut check = TextCheck::default();
            let fine = bytes.chunks(3).all(|piece| check.push(piece)) && check.is_whole();
            prop_assert!(!fine);
        }
    }
}
