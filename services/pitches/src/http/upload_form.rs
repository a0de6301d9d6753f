//! `multipart/form-data` of an upload, read piece by piece: the file goes to the spool, nothing is held in memory.

use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::web::BytesMut;
use futures_util::TryStreamExt;
use pitchey_web::{FieldError, Refusal};
use tokio::time::timeout;

use crate::error::Error;
use crate::files::{Files, Spool, Spooled};
use crate::input::fault;
use crate::words::{MEDIA_MAX_BYTES, MediaKind};

/// Longest text field, in bytes.
const TEXT: usize = 8 * 1024;
/// Most fields.
const FIELDS: usize = 20;
const TITLE: usize = 200;
const LINK: usize = 2_000;

/// What the client sends, as long as it can be read.
pub struct Parts(Option<Multipart>);

impl Parts {
    pub const fn new(multipart: Multipart) -> Self {
        Self(Some(multipart))
    }

    async fn next(&mut self) -> Result<Option<Field>, Error> {
        let Some(multipart) = &mut self.0 else { return Ok(None) };
        let next = multipart.try_next().await.map_err(broken);
        if next.is_err() {
            self.0 = None;
        }
        next
    }

    /// Reads on to no purpose, for `patience`: who is still sending does not listen, and would see the connection break instead of an answer.
    pub async fn drain(mut self, patience: Duration) {
        let rest = async {
            while let Ok(Some(mut field)) = self.next().await {
                while let Ok(Some(_)) = field.try_next().await {}
            }
        };
        // What is not over by then is its client's business.
        let _ = timeout(patience, rest).await;
    }
}

/// What came, not yet judged.
#[derive(Default)]
pub struct Form {
    kind: Option<String>,
    pitch: Option<String>,
    title: Option<String>,
    public: Option<String>,
    url: Option<String>,
    file: Option<Spooled>,
    /// What the client calls the file.
    name: Option<String>,
}

/// What is to be added.
pub struct Upload {
    pub kind: MediaKind,
    pub pitch: i32,
    pub title: String,
    pub public: bool,
    pub content: Content,
}

/// A file, or where it is kept elsewhere.
pub enum Content {
    File { file: Spooled, media_type: &'static str },
    Link(String),
}

impl Form {
    /// Reads to the end. Before the file, `may` is asked about the pitch, if that has come by then.
    pub async fn read(
        parts: &mut Parts,
        files: &Files,
        may: impl AsyncFn(i32) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut form = Self::default();
        let mut fields = 0;
        while let Some(mut field) = parts.next().await? {
            fields += 1;
            if fields > FIELDS {
                return Err(wrong("body", "too_many", "There are too many fields."));
            }
            match field.name().unwrap_or_default().to_owned().as_str() {
                "file" if form.file.is_some() => {
                    return Err(wrong("file", "too_many", "Send one file at a time."));
                }
                "file" => {
                    if let Some(pitch) = form.pitch.as_deref().and_then(|id| id.trim().parse().ok()) {
                        may(pitch).await?;
                    }
                    let kind = form.kind.as_deref().and_then(MediaKind::parse);
                    let most = kind.map_or(MEDIA_MAX_BYTES, MediaKind::max_bytes);
                    form.name =
                        field.content_disposition().and_then(|told| told.get_filename().map(str::to_owned));
                    form.file = Some(arrive(&mut field, files.spool().await?, most).await?);
                }
                "type" => form.kind = Some(text(&mut field).await?),
                "pitchId" => form.pitch = Some(text(&mut field).await?),
                "title" => form.title = Some(text(&mut field).await?),
                "public" => form.public = Some(text(&mut field).await?),
                "url" => form.url = Some(text(&mut field).await?),
                // As in JSON, what is unknown is ignored.
                _ => while field.try_next().await.map_err(broken)?.is_some() {},
            }
        }
        Ok(form)
    }

    /// Judges it.
    pub fn judge(self) -> Result<Upload, Error> {
        let mut faults = Vec::new();
        let mut faulty = |field: &str, code: &str, message: &str| {
            faults.push(FieldError::new(field, code, message));
        };
        let kind = self.kind.as_deref().map(str::trim).and_then(MediaKind::parse);
        if kind.is_none() {
            let words = MediaKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
            faulty("type", "unknown_value", &format!("This must be one of: {words}."));
        }
        let pitch = self.pitch.as_deref().and_then(|id| id.trim().parse().ok());
        if pitch.is_none() {
            faulty("pitchId", "required", "This must be the id of a pitch.");
        }
        let public = match self.public.as_deref().map(str::trim) {
            None | Some("") => kind.is_some_and(MediaKind::is_public_by_default),
            Some("true" | "1") => true,
            Some("false" | "0") => false,
            Some(_) => {
                faulty("public", "unknown_value", "This must be true or false.");
                false
            }
        };
        let title = self.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
        if let Some((code, message)) = title.and_then(|title| fault(title, 1, TITLE)) {
            faulty("title", code, &message);
        }
        let link = self.url.as_deref().map(str::trim).filter(|url| !url.is_empty());
        if let Some(url) = link {
            if !kind.is_some_and(MediaKind::may_be_link) {
                faulty("url", "not_possible", "Only a video or a trailer can be a link.");
            } else if !is_link(url) {
                faulty("url", "invalid", "This must be an https:// address.");
            } else if self.file.is_some() {
                faulty("url", "not_possible", "Send a file or a link, not both.");
            }
        } else if self.file.as_ref().is_none_or(|file| file.size == 0) {
            faulty("file", "required", "There is no file.");
        }
        let (Some(kind), Some(pitch), true) = (kind, pitch, faults.is_empty()) else {
            return Err(Refusal::Invalid(faults).into());
        };
        let title = title.map_or_else(|| called(self.name.as_deref(), kind), str::to_owned);
        let content = match (self.file, link) {
            (Some(file), None) => judged(file, kind)?,
            (_, Some(url)) => Content::Link(url.to_owned()),
            (None, None) => return Err(wrong("file", "required", "There is no file.")),
        };
        Ok(Upload { kind, pitch, title, public: public && kind != MediaKind::CustomNda, content })
    }
}

/// A file that is short enough, and by its content one of those that it may be.
fn judged(file: Spooled, kind: MediaKind) -> Result<Content, Error> {
    if file.size > kind.max_bytes() {
        return Err(too_long(kind.max_bytes()));
    }
    let found = infer::get(&file.head).map(|found| found.mime_type());
    let media_type = kind.media_types().iter().find(|allowed| Some(**allowed) == found);
    let Some(&media_type) = media_type else {
        return Err(Error::MediaTypeNotAllowed {
            kind,
            found: found.unwrap_or("of no known type").to_owned(),
        });
    };
    Ok(Content::File { file, media_type })
}

/// What the client calls the file, without the folders that some tell, and cut.
fn called(name: Option<&str>, kind: MediaKind) -> String {
    let name = name.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|char| !char.is_control()).take(TITLE).collect();
    if name.trim().is_empty() { kind.as_str().to_owned() } else { name.trim().to_owned() }
}

fn is_link(url: &str) -> bool {
    let host = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    let is_host = |host: &str| host.contains('.') && !host.contains(['@', '\\']) && !host.starts_with('.');
    url.len() <= LINK && url.chars().all(|char| char.is_ascii_graphic()) && host.is_some_and(is_host)
}

async fn arrive(field: &mut Field, mut spool: Spool, most: u64) -> Result<Spooled, Error> {
    while let Some(piece) = field.try_next().await.map_err(broken)? {
        if spool.size() + piece.len() as u64 > most {
            return Err(too_long(most));
        }
        spool.write(&piece).await?;
    }
    Ok(spool.finish().await?)
}

async fn text(field: &mut Field) -> Result<String, Error> {
    let mut text = BytesMut::new();
    while let Some(piece) = field.try_next().await.map_err(broken)? {
        if text.len() + piece.len() > TEXT {
            return Err(wrong(field.name().unwrap_or("body"), "too_long", "This is too long."));
        }
        text.extend_from_slice(&piece);
    }
    let name = field.name().unwrap_or("body").to_owned();
    let text = String::from_utf8(text.to_vec()).ok().filter(|text| !text.contains('\0'));
    text.ok_or_else(|| wrong(&name, "invalid", "This is not text."))
}

fn too_long(most: u64) -> Error {
    Refusal::TooLarge(usize::try_from(most).unwrap_or(usize::MAX)).into()
}

fn wrong(field: &str, code: &str, message: &str) -> Error {
    Refusal::Invalid(vec![FieldError::new(field, code, message)]).into()
}

fn broken(error: actix_multipart::MultipartError) -> Error {
    use actix_multipart::MultipartError as Broken;
    match error {
        Broken::ContentTypeMissing | Broken::ContentTypeParse | Broken::ContentTypeIncompatible => {
            Refusal::UnsupportedMediaType("multipart/form-data").into()
        }
        Broken::Payload(_) | Broken::Incomplete => Refusal::Incomplete.into(),
        error => wrong("body", "malformed", &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_addresses_of_hosts() {
        for good in ["https://vimeo.com/1", "https://www.youtube.com/watch?v=a#b", "https://x.example"] {
            assert!(is_link(good), "{good}");
        }
        for bad in [
            "http://vimeo.com",
            "https://",
            "https://localhost/x",
            "https://a@b.c",
            "javascript:alert(1)",
            "https://a.b/ c",
        ] {
            assert!(!is_link(bad), "{bad}");
        }
        assert!(!is_link(&format!("https://a.b/{}", "x".repeat(LINK))));
    }

    #[test]
    fn a_file_is_called_what_its_owner_calls_it() {
        assert_eq!(called(Some(r"C:\Ada\Deck 1.pdf"), MediaKind::PitchDeck), "Deck 1.pdf");
        assert_eq!(called(Some("../../etc/passwd"), MediaKind::Script), "passwd");
        assert_eq!(called(Some("\u{7}"), MediaKind::Script), "script");
        assert_eq!(called(None, MediaKind::Poster), "poster");
        assert_eq!(called(Some(&"ü".repeat(300)), MediaKind::Poster).chars().count(), TITLE);
    }
}
