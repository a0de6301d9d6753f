//! Opening conversations.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{ConversationCreated, HoldKey, PitchId, UserId};
use pitchey_identity::Actor;
use pitchey_web::{FieldError, Refusal};

use super::audience::Audience;
use super::send::{self, Outgoing};
use super::{Act, Voice, active, keyring};
use crate::eligibility;
use crate::error::Error;
use crate::keys::Body;
use crate::state::AppState;
use crate::store::conversations::{self, Conversation, New};
use crate::store::{keys, participants};
use crate::words::{ConversationType, MessageType, Role};

/// Most members of a group.
pub const GROUP_LIMIT: usize = 20;

/// Where somebody wants to write to one other person, as it stood before the transaction.
pub enum Place {
    /// They have a conversation.
    There(Conversation, Audience),
    /// They may have one.
    Cleared { hold: Option<HoldKey>, audience: Audience },
}

impl Place {
    pub const fn audience(&self) -> &Audience {
        match self {
            Self::There(_, audience) | Self::Cleared { audience, .. } => audience,
        }
    }
}

/// Looks for the conversation of the actor and `other`; if there is none, asks whether there may be, and holds what it costs. Opens and ends its own
/// short transaction; no answer is a refusal.
pub async fn place(state: &AppState, actor: &Actor, other: UserId) -> Result<Place, Error> {
    if other == actor.id {
        return Err(invalid("receiverId", "This is you."));
    }
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let found = conversations::direct(&mut tx, actor.id, other).await?;
    tx.commit().await?;
    if let Some(found) = found {
        let audience = Audience { blocked: state.blocks.of(actor.id).await?, closed: false };
        return Ok(Place::There(found, audience));
    }
    eligibility::may_write_to(state, actor, other).await?;
    let hold = hold(state, actor, &[other]).await?;
    Ok(Place::Cleared { hold, audience: Audience::default() })
}

/// Whether the actor may open a group with `others`, and what it costs. Asks about each; no answer is a refusal.
pub async fn group(state: &AppState, actor: &Actor, others: &[UserId]) -> Result<Option<HoldKey>, Error> {
    eligibility::may_open(actor)?;
    may_write_to_all(state, actor, others).await?;
    hold(state, actor, others).await
}

/// Whether the actor may write to each of `others`.
pub async fn may_write_to_all(state: &AppState, actor: &Actor, others: &[UserId]) -> Result<(), Error> {
    let asked = others.iter().map(|other| eligibility::may_write_to(state, actor, *other));
    futures_util::future::try_join_all(asked).await?;
    Ok(())
}

async fn hold(state: &AppState, actor: &Actor, others: &[UserId]) -> Result<Option<HoldKey>, Error> {
    if eligibility::pays(actor) {
        state.credits.hold(actor.id, others, state.clock.now()).await
    } else {
        Ok(None)
    }
}

/// The direct conversation with `other`: opened now, or by somebody else a moment ago. Whether it is new.
pub async fn direct(
    tx: &mut Tx,
    act: &Act<'_>,
    other: UserId,
    pitch: Option<PitchId>,
    hold: Option<HoldKey>,
) -> Result<(Conversation, bool), Error> {
    let me = act.actor.id;
    let new = New {
        kind: ConversationType::Direct,
        pitch_id: pitch.map(|id| id.0),
        created_by: Some(me.0),
        user_low_id: Some(me.0.min(other.0)),
        user_high_id: Some(me.0.max(other.0)),
        created_at: act.now,
        updated_at: act.now,
        ..New::default()
    };
    match conversations::insert(tx, &new).await? {
        Some(conversation) => {
            found(tx, act, &conversation, &[other], hold).await?;
            Ok((conversation, true))
        }
        None => {
            let there = conversations::direct(tx, me, other).await?;
            Ok((there.ok_or(Refusal::NotFound)?, false))
        }
    }
}

/// A new group of the actor and `others`.
pub async fn new_group(
    tx: &mut Tx,
    act: &Act<'_>,
    others: &[UserId],
    title: Option<&str>,
    pitch: Option<PitchId>,
    hold: Option<HoldKey>,
) -> Result<Conversation, Error> {
    let new = New {
        kind: ConversationType::Group,
        title,
        pitch_id: pitch.map(|id| id.0),
        created_by: Some(act.actor.id.0),
        created_at: act.now,
        updated_at: act.now,
        ..New::default()
    };
    let conversation = conversations::insert(tx, &new).await?.ok_or(Refusal::NotFound)?;
    found(tx, act, &conversation, others, hold).await?;
    Ok(conversation)
}

/// Gives a new conversation its key and its members, and tells of it.
async fn found(
    tx: &mut Tx,
    act: &Act<'_>,
    conversation: &Conversation,
    others: &[UserId],
    hold: Option<HoldKey>,
) -> Result<(), Error> {
    let (_, wrapped) = act.keys.draw(conversation.id())?;
    keys::insert(tx, &wrapped).await?;
    let me = act.actor.id;
    let founder = if conversation.kind == ConversationType::Group { Role::Owner } else { Role::Member };
    let member = |user: UserId| participants::New {
        conversation_id: conversation.id,
        user_id: user.0,
        role: if user == me { founder } else { Role::Member },
        joined_at: act.now,
        active_until: None,
    };
    let members: Vec<UserId> = std::iter::once(me).chain(others.iter().copied()).collect();
    let rows: Vec<_> = members.iter().copied().map(member).collect();
    participants::insert(tx, &rows).await?;
    let event = ConversationCreated {
        conversation_id: conversation.id(),
        conversation_type: conversation.kind.as_str().to_owned(),
        created_by: me,
        member_ids: members,
        pitch_id: conversation.pitch_id.map(PitchId),
        hold,
    };
    outbox::append(tx, &event)?;
    Ok(())
}

/// Says in a new conversation that it was opened, so that it has a last message. Returns whose sockets are to look.
pub async fn greet(tx: &mut Tx, act: &Act<'_>, conversation: &Conversation) -> Result<Vec<UserId>, Error> {
    let Some(conversation) = conversations::advance(tx, conversation.id(), act.now).await? else {
        return Ok(Vec::new());
    };
    let members = active(&participants::of(tx, conversation.id()).await?);
    let keys = keyring(tx, act.keys, conversation.id()).await?;
    let body = Body { content: "The conversation was opened.".to_owned(), ..Body::default() };
    let outgoing = Outgoing { body, message_type: MessageType::System, ..Outgoing::default() };
    send::write(tx, Voice::Member, &conversation, &keys, act.actor.id, &outgoing, &members, act.now).await?;
    Ok(members)
}

/// The discussion of a pitch that the actor is in, with `other` if one is named. Only a signature opens one.
pub async fn discussion(
    tx: &mut Tx,
    act: &Act<'_>,
    pitch: Option<PitchId>,
    other: Option<UserId>,
) -> Result<Conversation, Error> {
    let pitch = pitch.ok_or_else(|| invalid("pitchId", "A discussion is about a pitch."))?;
    let as_signer = conversations::discussion(tx, pitch, act.actor.id).await?;
    let found = match (as_signer, other) {
        (Some(found), _) => Some(found),
        (None, Some(other)) => conversations::discussion(tx, pitch, other).await?,
        (None, None) => None,
    };
    found.ok_or(Error::DiscussionNotOpen)
}

/// Whom a list of ids names besides the actor; each once.
pub fn others(actor: &Actor, ids: &[i32]) -> Vec<UserId> {
    let mut others: Vec<UserId> = ids.iter().copied().map(UserId).filter(|id| *id != actor.id).collect();
    others.sort_unstable();
    others.dedup();
    others
}

/// Refuses a group that would be too large.
pub fn within_size(members: usize) -> Result<(), Error> {
    if members > GROUP_LIMIT { Err(Error::GroupFull { most: GROUP_LIMIT }) } else { Ok(()) }
}

fn invalid(field: &str, message: &str) -> Error {
    Refusal::Invalid(vec![FieldError::new(field, "invalid", message)]).into()
}
