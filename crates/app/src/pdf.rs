//! Documents on paper: PDF/UA, real text in reading order, tagged for screen
//! readers, with a language, a title and an outline of its headings. What a
//! document says is decided elsewhere.

use std::sync::LazyLock;

use krilla::{
    Document, SerializeSettings,
    configure::{Accessibility, ConfigurationBuilder},
    destination::XyzDestination,
    geom::Point,
    metadata::Metadata,
    outline::{Outline, OutlineNode},
    page::PageSettings,
    surface::Surface,
    tagging::{Artifact, ArtifactType, ContentTag, SpanTag, Tag, TagGroup, TagTree},
    text::{Font, TextDirection},
};

use crate::{Error, Result};

/// A4 in points; letters from the United States fit too.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 56.0;
const TEXT: f32 = 10.5;
const SMALL: f32 = 8.0;
/// Height of a line, by the size of its letters.
const LEADING: f32 = 1.4;

static LETTERS: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");
static FACE: LazyLock<ttf_parser::Face<'static>> =
    LazyLock::new(|| ttf_parser::Face::parse(LETTERS, 0).expect("the font is part of the program"));

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    /// The document's name, once, at its top.
    Title(String),
    /// A heading.
    Heading(String),
    /// Text; its own line breaks are kept.
    Text(String),
    /// Smaller text.
    Small(String),
}

/// What a document is called and in which language it is.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Shown by readers in place of the file's name.
    pub(crate) title: String,
    /// BCP 47.
    pub(crate) language: String,
    /// At the foot of each page, before its number.
    pub(crate) foot: String,
}

/// Sets a document; a long one takes a while, and other requests go on meanwhile.
///
/// # Errors
/// As [`render`].
pub(crate) async fn set(about: About, blocks: Vec<Block>) -> Result<Vec<u8>> {
    tokio::task::spawn_blocking(move || render(&about, &blocks)).await.map_err(Error::internal)?
}

/// Sets a document.
///
/// # Errors
/// A fault of ours: the library refuses what was set.
pub(crate) fn render(about: &About, blocks: &[Block]) -> Result<Vec<u8>> {
    let configuration = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| Error::internal(Fault(format!("{error:?}"))))?;
    let settings = SerializeSettings { configuration, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    document.set_metadata(
        Metadata::new()
            .title(about.title.clone())
            .language(about.language.clone())
            .creator("Bedside".to_owned()),
    );
    let font =
        Font::new(LETTERS.to_vec().into(), 0).ok_or_else(|| Error::internal(Fault("no font".to_owned())))?;
    let pages = lay_out(blocks);
    let mut tags = TagTree::new().with_lang(Some(about.language.clone()));
    let mut outline = Outline::new();
    let mut groups: Vec<Option<TagGroup>> = blocks.iter().map(|block| Some(block.group())).collect();
    let count = pages.len();
    for (number, lines) in pages.iter().enumerate() {
        let settings = PageSettings::from_wh(PAGE.0, PAGE.1)
            .ok_or_else(|| Error::internal(Fault("no page".to_owned())))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for line in lines {
            let id = draw(&mut surface, &font, line);
            if let Some(Some(group)) = groups.get_mut(line.block) {
                group.push(id);
            }
            if line.first
                && let Some(Block::Title(text) | Block::Heading(text)) = blocks.get(line.block)
            {
                let top = Point::from_xy(0.0, (line.y - 2.0 * line.size).max(0.0));
                outline.push_child(OutlineNode::new(text.clone(), XyzDestination::new(number, top)));
            }
        }
        let foot = format!("{} · {} / {count}", about.foot, number + 1);
        surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Other)));
        let place = Point::from_xy(MARGIN, PAGE.1 - MARGIN / 2.0);
        surface.draw_text(place, font.clone(), SMALL, &drawable(&foot), false, TextDirection::Auto);
        surface.end_tagged();
        surface.finish();
        page.finish();
    }
    for group in groups.into_iter().flatten() {
        tags.push(group);
    }
    document.set_outline(outline);
    document.set_tag_tree(tags);
    document.finish().map_err(|error| Error::internal(Fault(format!("{error:?}"))))
}

#[derive(Debug, thiserror::Error)]
#[error("a document could not be set: {0}")]
struct Fault(String);

/// A line in its place.
struct Line {
    block: usize,
    first: bool,
    text: String,
    size: f32,
    y: f32,
}

impl Block {
    fn text(&self) -> &str {
        match self {
            Self::Title(text) | Self::Heading(text) | Self::Text(text) | Self::Small(text) => text,
        }
    }

    fn size(&self) -> f32 {
        match self {
            Self::Title(_) => 18.0,
            Self::Heading(_) => 12.5,
            Self::Text(_) => TEXT,
            Self::Small(_) => SMALL,
        }
    }

    fn group(&self) -> TagGroup {
        let level = |level: u16| std::num::NonZeroU16::new(level).unwrap_or(std::num::NonZeroU16::MIN);
        match self {
            Self::Title(text) => TagGroup::new(Tag::Hn(level(1), Some(text.clone()))),
            Self::Heading(text) => TagGroup::new(Tag::Hn(level(2), Some(text.clone()))),
            Self::Text(_) | Self::Small(_) => TagGroup::new(Tag::P),
        }
    }
}

/// Breaks blocks into lines and lines into pages. A heading keeps a line of what
/// follows with it.
fn lay_out(blocks: &[Block]) -> Vec<Vec<Line>> {
    let bottom = PAGE.1 - MARGIN;
    let mut pages = vec![Vec::new()];
    let mut y = MARGIN;
    for (place, block) in blocks.iter().enumerate() {
        let size = block.size();
        let height = size * LEADING;
        let heading = matches!(block, Block::Heading(_) | Block::Title(_));
        let needed = if heading { height * 2.0 + TEXT * LEADING } else { height };
        y += if heading { size * 0.9 } else { size * 0.3 };
        if y + needed > bottom {
            pages.push(Vec::new());
            y = MARGIN;
        }
        for (number, text) in lines(block.text(), size).into_iter().enumerate() {
            if y + height > bottom {
                pages.push(Vec::new());
                y = MARGIN;
            }
            y += height;
            if let (Some(page), false) = (pages.last_mut(), text.is_empty()) {
                page.push(Line { block: place, first: number == 0, text, size, y });
            }
        }
    }
    pages
}

fn advance(letter: char, size: f32) -> f32 {
    let glyph = FACE.glyph_index(letter).or_else(|| FACE.glyph_index(MISSING));
    let advance = glyph.and_then(|glyph| FACE.glyph_hor_advance(glyph)).unwrap_or(FACE.units_per_em());
    f32::from(advance) / f32::from(FACE.units_per_em()) * size
}

/// Lines no wider than the page: broken at spaces, words that are too long
/// anywhere.
fn lines(text: &str, size: f32) -> Vec<String> {
    let most = PAGE.0 - 2.0 * MARGIN;
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let (mut line, mut width) = (String::new(), 0.0_f32);
        for word in paragraph.replace('\t', "    ").split_inclusive(' ') {
            let long: f32 = word.trim_end().chars().map(|letter| advance(letter, size)).sum();
            if width + long > most && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                width = 0.0;
            }
            for letter in word.chars() {
                let step = advance(letter, size);
                if width + step > most && letter != ' ' {
                    lines.push(std::mem::take(&mut line));
                    width = 0.0;
                }
                line.push(letter);
                width += step;
            }
        }
        lines.push(line);
    }
    lines
}

/// Drawn where the font has no letter; whoever reads the text gets the letter.
const MISSING: char = '□';

fn drawable(text: &str) -> String {
    let kept = |letter: char| !letter.is_control() || letter == ' ';
    text.chars()
        .filter(|letter| kept(*letter))
        .map(|letter| if FACE.glyph_index(letter).is_some() { letter } else { MISSING })
        .collect()
}

fn draw(surface: &mut Surface<'_>, font: &Font, line: &Line) -> krilla::tagging::Identifier {
    let shown = drawable(&line.text);
    let said = (shown != line.text).then_some(line.text.as_str());
    let id = surface.start_tagged(ContentTag::Span(SpanTag::empty().with_actual_text(said)));
    let place = Point::from_xy(MARGIN, line.y);
    surface.draw_text(place, font.clone(), line.size, &shown, false, TextDirection::Auto);
    surface.end_tagged();
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About { title: "Visit note".to_owned(), language: "en".to_owned(), foot: "Northside".to_owned() }
    }

    #[test]
    fn lines_fit_and_lose_no_letter() {
        let long = "word ".repeat(200) + &"x".repeat(500) + "\n\nend";
        let lines = lines(&long, TEXT);
        for line in &lines {
            let width: f32 = line.trim_end().chars().map(|letter| advance(letter, TEXT)).sum();
            assert!(width <= PAGE.0 - 2.0 * MARGIN + 0.1, "{width}");
        }
        let said: String = lines.concat();
        assert_eq!(said, long.replace('\n', ""));
    }

    #[test]
    fn a_document_of_any_text_is_set() {
        let blocks = [
            Block::Title("Visit note".to_owned()),
            Block::Heading("Plan".to_owned()),
            Block::Text(String::new()),
            Block::Text("漢字 и кириллица, שלום, 👩‍⚕️\r\nsecond line".to_owned()),
            Block::Text("A line.\n".repeat(200)),
            Block::Small("Signed".to_owned()),
        ];
        let bytes = render(&about(), &blocks).unwrap();
        assert!(bytes.starts_with(b"%PDF-1.7"));
        assert!(lay_out(&blocks).len() > 2);
    }
}
