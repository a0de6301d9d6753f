//! Reading somebody's mail, on the page that only development has.

use std::time::{Duration, Instant};

use super::PATIENCE;
use super::person::Person;
use super::stage::{Ask, Stage};
use crate::Failure;

/// Waits for the mail made from `template`, and returns its text.
pub(super) async fn read(stage: &mut Stage, person: &Person, template: &str) -> Result<String, Failure> {
    let begun = Instant::now();
    let path = format!("/dev/mails?to={}", person.email);
    loop {
        let (status, reply, took) = stage.send(&Ask::get(&path)).await?;
        let mails = reply.json["data"].as_array().cloned().unwrap_or_default();
        if let Some(mail) = mails.iter().find(|mail| mail["template"] == template) {
            stage.paper.request(&format!("GET {path}"), status, took, true);
            stage.paper.mail(mail["subject"].as_str().unwrap_or_default());
            return Ok(mail["text"].as_str().unwrap_or_default().to_owned());
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure::Failed(format!(
                "no mail {template} came to {} (last: {status})",
                person.email
            )));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The token in a mail's link.
pub(super) fn token(text: &str) -> Result<String, Failure> {
    let (_, after) =
        text.split_once("token=").ok_or_else(|| Failure::Failed("there is no token in the mail".into()))?;
    Ok(after.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect())
}
