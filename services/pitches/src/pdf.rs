//! Text set on pages: PDF/A-3, so that it can be kept for decades. The same text at the same time gives the same bytes.

use std::mem::take;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, Timelike, Utc};
use krilla::configure::{Archival, Configuration, ConfigurationBuilder};
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::geom::Point;
use krilla::metadata::{DateTime as PdfTime, Metadata};
use krilla::page::PageSettings;
use krilla::text::{Font, TextDirection};
use krilla::{Document, SerializeSettings};
use rustybuzz::Face;

use crate::error::Error;

/// A4, in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 64.0;
/// From one line to the next, as a multiple of the size of the type.
const LEADING: f32 = 1.45;
const INDENT: f32 = 18.0;

/// What is set: paragraphs with an empty line between them. A line that begins with a space stands for itself, indented; the first paragraph is the
/// title, and one without any small letter is a heading.
pub struct Paper<'a> {
    pub text: &'a str,
    /// Below each page, before its number.
    pub footer: &'a str,
    pub at: DateTime<Utc>,
}

/// How a paragraph looks.
#[derive(Clone, Copy)]
struct Style {
    bold: bool,
    size: f32,
    indent: f32,
}

const TITLE: Style = Style { bold: true, size: 14.0, indent: 0.0 };
const HEADING: Style = Style { bold: true, size: 10.5, indent: 0.0 };
const BODY: Style = Style { bold: false, size: 10.0, indent: 0.0 };
const OWN_LINE: Style = Style { bold: false, size: 10.0, indent: INDENT };
const FOOTER: Style = Style { bold: false, size: 7.5, indent: 0.0 };

/// One line on a page: words with their places.
struct Line {
    style: Style,
    /// Space before it.
    before: f32,
    words: Vec<(f32, String)>,
}

/// A type face: for drawing, and for measuring.
struct Type {
    font: Font,
    face: Face<'static>,
}

impl Type {
    fn new(data: &'static [u8]) -> Option<Self> {
        Some(Self { font: Font::new(data.into(), 0)?, face: Face::from_slice(data, 0)? })
    }

    fn width(&self, text: &str, size: f32) -> f32 {
        let glyphs = text.chars().filter_map(|char| self.face.glyph_index(char));
        let units: u32 = glyphs.filter_map(|glyph| self.face.glyph_hor_advance(glyph)).map(u32::from).sum();
        #[expect(clippy::cast_precision_loss, reason = "no line is as wide as that")]
        let units = units as f32;
        units * size / f32::from(u16::try_from(self.face.units_per_em()).unwrap_or(1_000))
    }

    /// `text` with what this type has no glyphs for written as its number. The attached text has it as it is.
    fn legible(&self, text: &str) -> String {
        let mut legible = String::with_capacity(text.len());
        for char in text.chars() {
            if self.face.glyph_index(char).is_some() {
                legible.push(char);
            } else if !char.is_control() {
                legible.push_str(&format!("[U+{:04X}]", u32::from(char)));
            }
        }
        legible
    }
}

struct Types {
    regular: Type,
    bold: Type,
}

/// Read once: it takes as long as a page.
static TYPES: LazyLock<Option<Types>> = LazyLock::new(Types::new);

impl Types {
    fn new() -> Option<Self> {
        Some(Self { regular: Type::new(dejavu::sans::regular())?, bold: Type::new(dejavu::sans::bold())? })
    }

    const fn of(&self, style: Style) -> &Type {
        if style.bold { &self.bold } else { &self.regular }
    }

    /// `text` in lines that fit the page.
    fn lines(&self, text: &str, style: Style, before: f32) -> Vec<Line> {
        let used = self.of(style);
        let space = used.width(" ", style.size);
        let most = PAGE.0 - 2.0 * MARGIN - style.indent;
        let (mut lines, mut words, mut at) = (Vec::new(), Vec::new(), 0.0);
        for word in text.split_whitespace() {
            let word = used.legible(word);
            for part in self.parts(&word, style, most) {
                let width = used.width(&part, style.size);
                if at + width > most && !words.is_empty() {
                    lines.push(take(&mut words));
                    at = 0.0;
                }
                words.push((at, part));
                at += width + space;
            }
        }
        lines.push(words);
        let of = |(number, words)| Line { style, before: if number == 0 { before } else { 0.0 }, words };
        lines.into_iter().enumerate().map(of).collect()
    }

    /// A word that is wider than the page is broken anywhere.
    fn parts(&self, word: &str, style: Style, most: f32) -> Vec<String> {
        let used = self.of(style);
        if used.width(word, style.size) <= most {
            return vec![word.to_owned()];
        }
        let (mut parts, mut part) = (Vec::new(), String::new());
        for char in word.chars() {
            part.push(char);
            if used.width(&part, style.size) > most {
                part.pop();
                parts.push(take(&mut part));
                part.push(char);
            }
        }
        parts.push(part);
        parts
    }

    fn all_lines(&self, text: &str) -> Vec<Line> {
        let mut lines = Vec::new();
        let paragraphs =
            text.split("\n\n").map(|text| text.trim_matches('\n')).filter(|text| !text.is_empty());
        for (number, paragraph) in paragraphs.enumerate() {
            let style = match number {
                0 => TITLE,
                _ if !paragraph.chars().any(char::is_lowercase) => HEADING,
                _ => BODY,
            };
            let (mut before, mut flowing) = (style.size, String::new());
            for line in paragraph.lines() {
                if line.starts_with([' ', '\t']) {
                    if !flowing.is_empty() {
                        lines.extend(self.lines(&take(&mut flowing), style, take(&mut before)));
                    }
                    lines.extend(self.lines(line, OWN_LINE, take(&mut before)));
                } else {
                    flowing.push_str(line);
                    flowing.push(' ');
                }
            }
            if !flowing.is_empty() {
                lines.extend(self.lines(&flowing, style, before));
            }
        }
        lines
    }
}

/// The pages, as a file. The text is attached to it as it is.
pub fn set(paper: &Paper<'_>) -> Result<Vec<u8>, Error> {
    let types = TYPES.as_ref().ok_or_else(|| broken("a font that is none"))?;
    let mut pages: Vec<Vec<(f32, Line)>> = Vec::new();
    let (mut page, mut y) = (Vec::new(), MARGIN);
    for line in types.all_lines(paper.text) {
        let below = line.style.size * LEADING;
        if y + line.before + below > PAGE.1 - MARGIN {
            pages.push(take(&mut page));
            y = MARGIN;
        } else {
            y += line.before;
        }
        y += below;
        page.push((y, line));
    }
    pages.push(page);

    let configuration = standard()?;
    let mut document =
        Document::new_with(SerializeSettings { configuration, enable_tagging: false, ..Default::default() });
    let size = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| broken("a page without a size"))?;
    let count = pages.len();
    for (number, lines) in pages.into_iter().enumerate() {
        let mut page = document.start_page_with(size.clone());
        let mut surface = page.surface();
        let footer = format!("{}   {}/{count}", paper.footer, number + 1);
        let footer = types.lines(&footer, FOOTER, 0.0).into_iter().next();
        for (y, line) in lines.into_iter().chain(footer.map(|line| (PAGE.1 - MARGIN / 2.0, line))) {
            let font = &types.of(line.style).font;
            for (x, word) in line.words {
                let at = Point::from_xy(MARGIN + line.style.indent + x, y);
                surface.draw_text(at, font.clone(), line.style.size, &word, false, TextDirection::Auto);
            }
        }
        surface.finish();
        page.finish();
    }
    let title = paper.text.lines().next().unwrap_or_default();
    let written = time(paper.at);
    document.set_metadata(
        Metadata::new()
            .title(types.regular.legible(title))
            .creator("Pitchey".to_owned())
            .language("en".to_owned())
            .creation_date(written),
    );
    document.embed_file(EmbeddedFile {
        path: "agreement.txt".to_owned(),
        mime_type: MimeType::new("text/plain"),
        description: Some("The same text, for programs".to_owned()),
        association_kind: AssociationKind::Alternative,
        data: paper.text.as_bytes().to_vec().into(),
        modification_date: Some(written),
        compress: Some(false),
        location: None,
    });
    document.finish().map_err(|error| broken(&format!("{error:?}")))
}

fn standard() -> Result<Configuration, Error> {
    let standard = ConfigurationBuilder::new().with_archival_validator(Archival::A3_B).finish();
    standard.map_err(|error| broken(&format!("{error:?}")))
}

fn broken(what: &str) -> Error {
    Error::Internal(format!("a document could not be set: {what}").into())
}

fn time(at: DateTime<Utc>) -> PdfTime {
    let part = |number: u32| u8::try_from(number).unwrap_or_default();
    PdfTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(text: &str) -> Vec<u8> {
        set(&Paper { text, footer: "Agreement 7", at: DateTime::UNIX_EPOCH }).unwrap()
    }

    fn pages(pdf: &[u8]) -> usize {
        let text = String::from_utf8_lossy(pdf);
        text.matches("/Type/Page").count() - text.matches("/Type/Pages").count()
    }

    #[test]
    fn the_same_text_gives_the_same_bytes() {
        let text = "A TITLE\n\n1. HEADING\n\nSome words,\nand more of them.\n  A line of its own.\n";
        assert_eq!(paper(text), paper(text));
        assert!(paper(text).starts_with(b"%PDF-"));
        assert_ne!(paper(text), paper("Other"));
    }

    #[test]
    fn whatever_people_are_called_they_can_sign() {
        let names = "Łukasz Ñandú Ὀδυσσεύς Жанна דוד محمد 山田太郎 😀 a\u{301} \u{7}\u{200d} ﷽";
        let text = format!("AGREEMENT\n\nBetween {names} and {}", "W".repeat(5_000));
        let pdf = paper(&text);
        assert!(
            pdf.windows(names.len()).any(|part| part == names.as_bytes()),
            "the text is attached as it is"
        );
        assert!(!paper("").is_empty());
    }

    #[test]
    fn what_does_not_fit_a_page_goes_to_the_next() {
        let text = |lines: usize| format!("TITLE\n\n{}", "A line of words.\n\n".repeat(lines));
        assert_eq!((pages(&paper(&text(3))), pages(&paper(&text(100)))), (1, 4));
    }
}
