use chrono::{DateTime, Utc};
use pitchey_events::{PitchId, Service, UserId};
use pitchey_identity::Signer;

use crate::client::Caller;
use crate::proto::pitches as proto;
use crate::proto::pitches::pitches_client::PitchesClient;
use crate::{Error, Targets};

const NAME: &str = Service::Pitches.as_str();

/// The service that knows pitches, their NDAs, and who follows whom.
#[derive(Clone)]
pub struct Pitches(Caller);

/// What stands between two users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// An NDA in force, one of them the owner and the other the signer.
    pub signed_nda_between: bool,
    /// Each follows the other.
    pub mutual_follow: bool,
    /// The one owns a pitch that is published.
    pub user_has_published_pitch: bool,
    /// The other does.
    pub other_has_published_pitch: bool,
}

/// Whether an NDA opens a pitch now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignedNda {
    /// It does.
    pub in_force: bool,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A pitch as somebody may see it: the public group, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PitchCard {
    /// Which.
    pub id: PitchId,
    /// Whose.
    pub owner_id: UserId,
    /// Title.
    pub title: String,
    /// Logline.
    pub logline: String,
    /// Genre.
    pub genre: String,
    /// Format.
    pub format: String,
    /// Where it stands.
    pub status: String,
    /// Part of it is under NDA.
    pub requires_nda: bool,
    /// Picture.
    pub thumbnail_url: Option<String>,
    /// `owner`, `signer` or `public`: on what grounds it is seen.
    pub access: String,
}

/// A pitch that a reader may know of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Who; `None` is nobody in particular.
    pub viewer: Option<UserId>,
    /// Which pitch.
    pub pitch_id: PitchId,
    /// Its title.
    pub title: String,
}

macro_rules! call {
    ($self:ident, $method:ident, $name:literal, $message:expr) => {
        $self
            .0
            .call(concat!("/pitchey.pitches.v1.Pitches/", $name), $message, |channel, request| async move {
                PitchesClient::new(channel).$method(request).await
            })
            .await
    };
}

impl Pitches {
    /// A client that signs as `signer`. Must be made on the runtime that is to drive its connections.
    ///
    /// # Errors
    /// No target is configured.
    pub fn new(targets: &Targets, signer: Signer) -> Result<Self, Error> {
        Ok(Self(Caller::new(Service::Pitches, targets, signer)?))
    }

    /// What stands between `user` and `other`.
    ///
    /// # Errors
    /// Nobody knows now: treat it as nothing, and say "try again".
    pub async fn standing(&self, user: UserId, other: UserId) -> Result<Standing, Error> {
        let message = proto::StandingRequest { user_id: user.0, other_id: other.0 };
        let reply = call!(self, standing, "Standing", message)?;
        Ok(Standing {
            signed_nda_between: reply.signed_nda_between,
            mutual_follow: reply.mutual_follow,
            user_has_published_pitch: reply.user_has_published_pitch,
            other_has_published_pitch: reply.other_has_published_pitch,
        })
    }

    /// Whether the NDA of `signer` for `pitch` is in force.
    ///
    /// # Errors
    /// Nobody knows now: treat it as ended.
    pub async fn signed_nda(&self, pitch: PitchId, signer: UserId) -> Result<SignedNda, Error> {
        let message = proto::SignedNdaRequest { pitch_id: pitch.0, signer_id: signer.0 };
        let reply = call!(self, signed_nda, "SignedNda", message)?;
        let expires_at = reply.expires_at.map(|millis| {
            DateTime::from_timestamp_millis(millis)
                .ok_or_else(|| Error::nonsense(NAME, "a time out of range"))
        });
        Ok(SignedNda { in_force: reply.in_force, expires_at: expires_at.transpose()? })
    }

    /// `ids` as `viewer`, or anybody, may see them; what the viewer may not know of is left out.
    ///
    /// # Errors
    /// Nobody knows now.
    pub async fn pitches_by_ids(
        &self,
        ids: &[PitchId],
        viewer: Option<UserId>,
    ) -> Result<Vec<PitchCard>, Error> {
        let mut cards = Vec::with_capacity(ids.len());
        for ids in ids.chunks(500) {
            let message = proto::PitchesByIdsRequest {
                ids: ids.iter().map(|id| id.0).collect(),
                viewer_id: viewer.map_or(0, |id| id.0),
            };
            let reply = call!(self, pitches_by_ids, "PitchesByIds", message)?;
            cards.extend(reply.pitches.into_iter().map(PitchCard::from));
        }
        Ok(cards)
    }

    /// Which pitches of each reader's list the reader may know of now; those of nobody in particular are asked for under `None`. At most 500
    /// readers and 2,500 pitches.
    ///
    /// # Errors
    /// Nobody knows now: show none.
    pub async fn shown(&self, glances: &[(Option<UserId>, Vec<PitchId>)]) -> Result<Vec<Sight>, Error> {
        let glances = glances.iter().map(|(viewer, pitches)| proto::Glance {
            viewer_id: viewer.map_or(0, |id| id.0),
            pitch_ids: pitches.iter().map(|id| id.0).collect(),
        });
        let reply = call!(self, shown, "Shown", proto::ShownRequest { glances: glances.collect() })?;
        Ok(reply.sights.into_iter().map(Sight::from).collect())
    }

    /// Up to `limit` followers of `user` with ids above `after`, in order; fewer are the last.
    ///
    /// # Errors
    /// Nobody knows now.
    pub async fn followers(&self, user: UserId, after: UserId, limit: i32) -> Result<Vec<UserId>, Error> {
        let message = proto::FollowersRequest { user_id: user.0, after: after.0, limit };
        let reply = call!(self, followers, "Followers", message)?;
        Ok(reply.ids.into_iter().map(UserId).collect())
    }
}

impl From<proto::Sight> for Sight {
    fn from(sight: proto::Sight) -> Self {
        Self {
            viewer: (sight.viewer_id != 0).then_some(UserId(sight.viewer_id)),
            pitch_id: PitchId(sight.pitch_id),
            title: sight.title,
        }
    }
}

impl From<proto::Pitch> for PitchCard {
    fn from(pitch: proto::Pitch) -> Self {
        Self {
            id: PitchId(pitch.id),
            owner_id: UserId(pitch.owner_id),
            title: pitch.title,
            logline: pitch.logline,
            genre: pitch.genre,
            format: pitch.format,
            status: pitch.status,
            requires_nda: pitch.requires_nda,
            thumbnail_url: pitch.thumbnail_url,
            access: pitch.access,
        }
    }
}
