use std::io;
use std::path::{Path, PathBuf};

use pitchey_web::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::fs;

use super::dkim::Dkim;
use super::message::Outgoing;
use super::transport::NotSent;

/// The development page shows no more than this.
const SHOWN: usize = 100;

/// Where developers find mails: `<uuid>.eml` for a mail program, `<uuid>.json` for the page. The names begin with the time, so they sort by it.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// A mail as it was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    id: i64,
    to: String,
    subject: String,
    template: String,
    pub(super) text: String,
    html: String,
    created_at: Timestamp,
}

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The newest mails, to `to` only if that is given.
    pub(crate) async fn newest(&self, to: Option<&str>) -> io::Result<Vec<Kept>> {
        let mut found = Vec::new();
        for name in self.names().await? {
            let json = match fs::read(self.0.join(name)).await {
                Ok(json) => json,
                // Somebody is tidying up.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let mail: Kept = serde_json::from_slice(&json)?;
            if to.is_none_or(|to| mail.to.eq_ignore_ascii_case(to)) {
                found.push(mail);
            }
            if found.len() == SHOWN {
                break;
            }
        }
        Ok(found)
    }

    /// Names of the page's files, newest first.
    async fn names(&self) -> io::Result<Vec<String>> {
        let mut entries = match fs::read_dir(&self.0).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            names.extend(entry.file_name().into_string().ok().filter(|name| name.ends_with(".json")));
        }
        names.sort_unstable_by(|a, b| b.cmp(a));
        Ok(names)
    }

    async fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        // Nobody reads half a mail.
        let unfinished = self.0.join(format!("{name}.unfinished"));
        fs::write(&unfinished, content).await?;
        fs::rename(&unfinished, self.0.join(name)).await
    }
}

/// Puts `mail` into `folder`.
pub(super) async fn keep(folder: &Folder, mail: &Outgoing, dkim: Option<&Dkim>) -> Result<(), NotSent> {
    let wire = mail.wire(dkim).map_err(|error| NotSent::Never(error.to_string()))?;
    let kept = Kept {
        id: mail.id,
        to: mail.to.clone(),
        subject: mail.subject.clone(),
        template: mail.template.clone(),
        text: mail.text.clone(),
        html: mail.html.clone(),
        created_at: Timestamp(mail.created_at),
    };
    let name = mail.message_id.trim_start_matches('<').split('@').next().unwrap_or_default();
    let write = async {
        fs::create_dir_all(&folder.0).await?;
        folder.write(&format!("{name}.eml"), &wire.bytes).await?;
        folder.write(&format!("{name}.json"), &serde_json::to_vec_pretty(&kept)?).await
    };
    write.await.map_err(|error: io::Error| NotSent::Later(format!("{}: {error}", folder.0.display())))
}
