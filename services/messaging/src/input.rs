//! What clients write, before it is a message.

use garde::Validate;
use pitchey_events::{MessageId, PitchId};
use pitchey_web::{FieldError, Refusal};
use serde::Deserialize;
use serde_json::json;

use crate::keys::Body;
use crate::ops::send::Outgoing;
use crate::view::Attachment;
use crate::words::MessageType;

/// Longest text of a message, in characters.
pub const LONGEST: usize = 5_000;
const SUBJECT: usize = 200;
const ATTACHMENTS: usize = 10;
/// Files are uploaded first; then they lie here.
const MEDIA: &str = "/api/media/";

/// A message to be.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct MessageInput {
    /// 1 to 5,000 characters; may be left out where files are attached or a pitch is shown.
    #[garde(custom(text(LONGEST)))]
    content: Option<String>,
    #[garde(custom(text(SUBJECT)))]
    subject: Option<String>,
    /// text, image, file, pitch_share or nda_request.
    message_type: Option<MessageType>,
    /// Needed for pitch_share and nda_request.
    pitch_id: Option<i32>,
    /// The message of the same conversation that this one answers.
    parent_id: Option<i64>,
    /// Files that were uploaded before.
    attachments: Option<Vec<Attachment>>,
}

impl MessageInput {
    /// What is to be said, or what is wrong with it.
    pub fn outgoing(self) -> Result<Outgoing, Refusal> {
        let content = self.content.as_deref().map(str::trim).unwrap_or_default().to_owned();
        let files = self.attachments.unwrap_or_default();
        let kind = self.message_type.unwrap_or_default();
        let mut wrong = Vec::new();
        let mut refuse =
            |field: &str, code: &str, message: &str| wrong.push(FieldError::new(field, code, message));
        match kind {
            MessageType::System => {
                refuse("messageType", "unknown_value", "Only the platform says such things.");
            }
            MessageType::Text if content.is_empty() => {
                refuse("content", "required", "This field is required.");
            }
            MessageType::Image | MessageType::File if files.is_empty() => {
                refuse("attachments", "required", "Name the files.");
            }
            MessageType::PitchShare | MessageType::NdaRequest if self.pitch_id.is_none() => {
                refuse("pitchId", "required", "Name the pitch.");
            }
            _ => {}
        }
        if files.len() > ATTACHMENTS {
            refuse("attachments", "too_many", "There are too many files.");
        }
        if !files.iter().all(is_ours) {
            refuse("attachments", "invalid", "Files are uploaded to /api/media first.");
        }
        if !wrong.is_empty() {
            return Err(Refusal::Invalid(wrong));
        }
        let names = files.iter().map(|file| file.name.clone()).collect();
        let column = files
            .iter()
            .map(|file| json!({ "url": file.url, "mediaType": file.media_type, "size": file.size }));
        let subject =
            self.subject.map(|subject| subject.trim().to_owned()).filter(|subject| !subject.is_empty());
        Ok(Outgoing {
            body: Body { content, subject, names },
            message_type: kind,
            pitch: self.pitch_id.map(PitchId),
            parent: self.parent_id.map(MessageId),
            attachments: (!files.is_empty()).then(|| column.collect()),
        })
    }
}

fn is_ours(file: &Attachment) -> bool {
    let plain = |text: &str, most: usize| text.len() <= most && !text.chars().any(char::is_control);
    let path = file.url.strip_prefix(MEDIA).is_some_and(|rest| !rest.is_empty() && !rest.contains(".."));
    path && plain(&file.url, 500)
        && plain(&file.name, 255)
        && file.media_type.as_deref().is_none_or(|media_type| plain(media_type, 100))
        && file.size.is_none_or(|size| size >= 0)
}

/// A text of at most `most` characters, with line breaks and tabs, without other control characters.
pub fn text(most: usize) -> impl Fn(&Option<String>, &()) -> garde::Result {
    move |text, ()| {
        let Some(text) = text.as_deref() else { return Ok(()) };
        if text.chars().count() > most {
            return Err(garde::Error::new(format!("This must not be longer than {most} characters.")));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(garde::Error::new("This holds control characters."));
        }
        Ok(())
    }
}
