//! The story itself.

use std::time::Instant;

use serde_json::{Value, json};

use super::person::Person;
use super::stage::{Ask, Stage};
use super::{PATIENCE, mails};
use crate::Failure;

/// A text of the protected part.
const PROTECTED: &str = "longSynopsis";

/// Plays it; returns the NDA's id.
pub(super) async fn play(stage: &mut Stage, cast: &mut [Person; 3]) -> Result<i64, Failure> {
    stage.paper.chapter("Three people arrive");
    for person in cast.iter_mut() {
        arrive(stage, person).await?;
    }
    let [clara, ivo, olga] = &*cast;

    stage.paper.chapter("A pitch");
    let pitch = publish(stage, clara).await?;
    locked_for_others(stage, ivo, pitch).await?;

    stage.paper.chapter("An NDA");
    let nda = request(stage, clara, ivo, pitch).await?;
    sign(stage, clara, ivo, nda).await?;

    stage.paper.chapter("What it opens, and what it does not");
    stage.paper.step("Ivo reads the protected part");
    see(stage, Some(ivo), pitch, true).await?;
    stage.paper.step("Olga, who has signed nothing, does not");
    see(stage, Some(olga), pitch, false).await?;

    stage.paper.chapter("The end of it");
    revoke(stage, clara, ivo, pitch, nda).await?;
    Ok(nda)
}

async fn arrive(stage: &mut Stage, person: &mut Person) -> Result<(), Failure> {
    stage.paper.step(&format!("{} registers", person.name));
    let ask = Ask::post("/api/auth/register", person.registration());
    let reply = stage.ask(ask.gives(201).causes(&["user.registered.v1"])).await?;
    person.id = number(&reply.json["user"]["id"], "user.id")?;

    stage.paper.step(&format!("{} reads the mail and proves the address", person.name));
    let token = mails::token(&mails::read(stage, person, "verify-email").await?)?;
    let ask = Ask::post("/api/auth/verify-email", json!({ "token": token }));
    stage.ask(ask.causes(&["user.email_verified.v1", "user.changed.v1"])).await?;

    stage.paper.step(&format!("{} logs in", person.name));
    let ask = Ask::post("/api/auth/login", person.login());
    let reply = stage.ask(ask.causes(&["session.started.v1"])).await?;
    person.token = text(&reply.json["token"], "token")?;
    welcome(stage, person).await
}

/// Waits for the welcome credits: they come by event.
async fn welcome(stage: &mut Stage, person: &Person) -> Result<(), Failure> {
    const BALANCE: &str = "/api/payments/credits/balance";
    stage.paper.step(&format!("{} has credits: the welcome", person.name));
    let begun = Instant::now();
    loop {
        let (status, reply, took) = stage.send(&Ask::get(BALANCE).by(person)).await?;
        if let Some(credits) = reply.json["balance"].as_i64().filter(|credits| *credits > 0) {
            stage.paper.request(&format!("GET {BALANCE}"), status, took, true);
            stage
                .paper
                .note(&format!("{credits} credits; a request for an NDA holds 10 until it is answered"));
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure::Failed(format!("{} has no credits (last: {status})", person.name)));
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn publish(stage: &mut Stage, clara: &Person) -> Result<i64, Failure> {
    stage.paper.step("Clara writes a pitch; its heart is only for those who sign");
    let draft = json!({
        "title": "The Lighthouse at the End of the World",
        "logline": "Two wreckers hold a lighthouse keeper's island, and the keeper knows every rock of it.",
        "genre": "thriller",
        "format": "feature",
        "shortSynopsis": "After Jules Verne. Three months until the relief ship comes; one man, one lamp, no oil.",
        "longSynopsis": "He never lights the lamp. He lets them believe that he will.",
        "requiresNDA": true,
        "ndaType": "basic",
    });
    let reply = stage
        .ask(Ask::post("/api/pitches", draft).by(clara).gives(201).causes(&["pitch.changed.v1"]))
        .await?;
    let pitch = number(&reply.json["pitch"]["id"], "pitch.id")?;
    stage.paper.step("Clara publishes it");
    let ask = Ask::post(format!("/api/pitches/{pitch}/publish"), json!({})).by(clara);
    stage.ask(ask.causes(&["pitch.changed.v1"])).await?;
    Ok(pitch)
}

async fn locked_for_others(stage: &mut Stage, ivo: &Person, pitch: i64) -> Result<(), Failure> {
    stage.paper.step("Anybody may read the public part");
    see(stage, None, pitch, false).await?;
    stage.paper.step("Ivo sees no more than that");
    see(stage, Some(ivo), pitch, false).await
}

async fn request(stage: &mut Stage, clara: &Person, ivo: &Person, pitch: i64) -> Result<i64, Failure> {
    stage.paper.step("Ivo asks for access");
    let body = json!({ "pitchId": pitch, "message": "We have a slot for exactly this. May I read on?" });
    let ask = Ask::post("/api/ndas/request", body).by(ivo).gives(201);
    let reply = stage.ask(ask.causes(&["nda.requested.v1"])).await?;
    let nda = number(&reply.json["nda"]["id"], "nda.id")?;

    stage.paper.step("Clara gets a mail, and the bell rings");
    mails::read(stage, clara, "nda-requested").await?;
    bell(stage, clara).await?;
    Ok(nda)
}

async fn sign(stage: &mut Stage, clara: &Person, ivo: &Person, nda: i64) -> Result<(), Failure> {
    stage.paper.step("Clara approves");
    let ask = Ask::post(format!("/api/ndas/{nda}/approve"), json!({})).by(clara);
    stage.ask(ask.causes(&["nda.approved.v1"])).await?;

    stage.paper.step("Ivo gets a mail and reads what he is to sign");
    mails::read(stage, ivo, "nda-approved").await?;
    let document = stage.ask(Ask::get(format!("/api/ndas/{nda}/document")).by(ivo)).await?;
    let reply = stage.ask(Ask::get(format!("/api/ndas/{nda}")).by(ivo)).await?;
    let hash = text(&reply.json["documentHash"], "documentHash")?;
    let short = hash.get(..16).unwrap_or(&hash);
    stage.paper.note(&format!("{} bytes, SHA-256 {short}...", document.bytes.len()));

    stage.paper.step("Ivo signs this very document");
    let body = json!({
        "fullName": format!("{} {}", ivo.name, ivo.last_name),
        "title": "Partner",
        "company": ivo.company,
        "acceptTerms": true,
        "documentHash": hash,
    });
    let ask = Ask::post(format!("/api/ndas/{nda}/sign"), body).by(ivo);
    stage.ask(ask.causes(&["nda.signed.v1"])).await?;
    Ok(())
}

async fn revoke(
    stage: &mut Stage,
    clara: &Person,
    ivo: &Person,
    pitch: i64,
    nda: i64,
) -> Result<(), Failure> {
    stage.paper.step("Clara revokes it");
    let body = json!({ "reason": "The rights were sold." });
    let revoked = Instant::now();
    stage
        .ask(Ask::post(format!("/api/ndas/{nda}/revoke"), body).by(clara).causes(&["nda.revoked.v1"]))
        .await?;
    stage.paper.step("Ivo is outside again, at once");
    see(stage, Some(ivo), pitch, false).await?;
    stage.paper.note(&format!("{} ms after the revocation was asked for", revoked.elapsed().as_millis()));
    stage.paper.step("Ivo is told");
    mails::read(stage, ivo, "nda-revoked").await?;
    Ok(())
}

/// Reads the pitch and fails unless the protected part shows exactly if it should.
async fn see(stage: &mut Stage, who: Option<&Person>, pitch: i64, open: bool) -> Result<(), Failure> {
    let ask = match who {
        Some(person) => Ask::get(format!("/api/pitches/{pitch}")).by(person),
        None => Ask::get(format!("/api/pitches/public/{pitch}")),
    };
    let reply = stage.ask(ask).await?;
    let protected = reply.json.get(PROTECTED).and_then(Value::as_str);
    stage.paper.note(&match protected {
        Some(text) => format!("{PROTECTED}: \"{text}\""),
        None => format!("{PROTECTED} is not in it"),
    });
    if protected.is_some() == open {
        Ok(())
    } else {
        Err(Failure::Failed(format!("the protected part must {}show here", if open { "" } else { "not " })))
    }
}

/// Waits until the bell rings: by event, so a moment after the mail or before it.
async fn bell(stage: &mut Stage, person: &Person) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        let ask = Ask::get("/api/notifications/unread").by(person);
        let (status, reply, took) = stage.send(&ask).await?;
        if let Some(title) = reply.json["data"][0]["title"].as_str() {
            stage.paper.request("GET /api/notifications/unread", status, took, true);
            stage.paper.note(&format!("\"{title}\""));
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure::Failed(format!(
                "the bell did not ring for {} (last: {status})",
                person.name
            )));
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn number(value: &Value, name: &str) -> Result<i64, Failure> {
    value.as_i64().ok_or_else(|| Failure::Failed(format!("there is no {name} in the answer")))
}

fn text(value: &Value, name: &str) -> Result<String, Failure> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Failure::Failed(format!("there is no {name} in the answer")))
}
