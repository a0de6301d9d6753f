//! The discussion of a pitch between its owner and one signer: there while an NDA of the signer's is in force.

use chrono::{DateTime, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{ConversationCreated, NdaParties, PitchId, UserId};

use super::send::{self, Outgoing};
use super::{Voice, active, keyring};
use crate::error::Error;
use crate::keys::{Body, MasterKeys, no_key};
use crate::store::conversations::{self, Conversation, New};
use crate::store::{keys as key_store, ndas, participants};
use crate::words::{ConversationType, MessageType, Role};

/// An NDA was signed. Returns whose sockets are to look.
pub async fn signed(
    tx: &mut Tx,
    keys: &MasterKeys,
    parties: &NdaParties,
    (signed_at, expires_at): (DateTime<Utc>, Option<DateTime<Utc>>),
    now: DateTime<Utc>,
) -> Result<Vec<UserId>, Error> {
    let (pitch, signer) = (parties.pitch_id, parties.requester_id);
    ndas::lock(tx, pitch, signer);
    ndas::signed(tx, parties, signed_at, expires_at).await?;
    let standing = ndas::in_force(tx, pitch, signer, now).await?;
    // Its end may have been heard of first.
    if !standing.in_force {
        return Ok(Vec::new());
    }
    let new = New {
        kind: ConversationType::PitchDiscussion,
        title: Some(&parties.pitch_title),
        pitch_id: Some(pitch.0),
        signer_id: Some(signer.0),
        created_at: now,
        updated_at: now,
        ..New::default()
    };
    let (conversation, news) = match conversations::insert(tx, &new).await? {
        Some(conversation) => {
            begin(tx, keys, &conversation, parties, standing.until, now).await?;
            (conversation, true)
        }
        None => {
            let there = conversations::discussion(tx, pitch, signer).await?;
            let there = there.ok_or_else(|| Error::Internal("a discussion came and went".into()))?;
            conversations::lock(tx, there.id()).await?;
            let resumed = participants::resume(tx, there.id(), signer, standing.until).await?;
            (there, resumed)
        }
    };
    if !news {
        return Ok(Vec::new());
    }
    let text = format!(
        "The NDA for “{}” was signed. This is the place to talk about the pitch.",
        parties.pitch_title
    );
    say(tx, keys, &conversation, signer, text, now).await
}

/// An NDA has ended: the signer's membership with it, unless another is in force.
pub async fn ended(tx: &mut Tx, parties: &NdaParties, now: DateTime<Utc>) -> Result<(), Error> {
    let (pitch, signer) = (parties.pitch_id, parties.requester_id);
    ndas::lock(tx, pitch, signer);
    ndas::ended(tx, parties, now).await?;
    if !ndas::in_force(tx, pitch, signer, now).await?.in_force {
        close(tx, pitch, signer, now).await?;
    }
    Ok(())
}

/// A pitch is gone, and all its discussions with it.
pub async fn pitch_deleted(tx: &mut Tx, pitch: PitchId, now: DateTime<Utc>) -> Result<(), Error> {
    for signer in ndas::end_all(tx, pitch, now).await? {
        close(tx, pitch, UserId(signer), now).await?;
    }
    Ok(())
}

async fn close(tx: &mut Tx, pitch: PitchId, signer: UserId, now: DateTime<Utc>) -> Result<(), Error> {
    if let Some(conversation) = conversations::discussion(tx, pitch, signer).await? {
        // After a message that is on its way, before the next.
        conversations::lock(tx, conversation.id()).await?;
        participants::end(tx, conversation.id(), signer, now).await?;
    }
    Ok(())
}

async fn begin(
    tx: &mut Tx,
    keys: &MasterKeys,
    conversation: &Conversation,
    parties: &NdaParties,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let (_, wrapped) = keys.draw(conversation.id())?;
    key_store::insert(tx, &wrapped).await?;
    let row = |user: UserId, role: Role, active_until| participants::New {
        conversation_id: conversation.id,
        user_id: user.0,
        role,
        joined_at: now,
        active_until,
    };
    let (owner, signer) = (parties.owner_id, parties.requester_id);
    participants::insert(tx, &[row(owner, Role::Owner, None), row(signer, Role::Member, until)]).await?;
    let event = ConversationCreated {
        conversation_id: conversation.id(),
        conversation_type: conversation.kind.as_str().to_owned(),
        created_by: signer,
        member_ids: vec![owner, signer],
        pitch_id: Some(parties.pitch_id),
        hold: None,
    };
    outbox::append(tx, &event)?;
    Ok(())
}

async fn say(
    tx: &mut Tx,
    keys: &MasterKeys,
    conversation: &Conversation,
    sender: UserId,
    text: String,
    now: DateTime<Utc>,
) -> Result<Vec<UserId>, Error> {
    let conversation =
        conversations::advance(tx, conversation.id(), now).await?.ok_or_else(|| no_key(conversation.id()))?;
    let members = active(&participants::of(tx, conversation.id()).await?);
    let ring = keyring(tx, keys, conversation.id()).await?;
    let body = Body { content: text, ..Body::default() };
    let outgoing = Outgoing { body, message_type: MessageType::System, ..Outgoing::default() };
    send::write(tx, Voice::System, &conversation, &ring, sender, &outgoing, &members, now).await?;
    Ok(members)
}
