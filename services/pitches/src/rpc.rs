//! What pitches tells other services.

use std::collections::{HashMap, HashSet};

use pitchey_events::{PitchId, SessionId, Tier, UserId, UserType};
use pitchey_identity::Actor;
use pitchey_rpc::privacy_server;
use pitchey_rpc::proto::pitches::pitches_server::{Pitches, PitchesServer};
use pitchey_rpc::proto::pitches::{
    FollowersReply, FollowersRequest, Glance, Pitch, PitchesByIdsReply, PitchesByIdsRequest, ShownReply,
    ShownRequest, Sight, SignedNdaReply, SignedNdaRequest, StandingReply, StandingRequest,
};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::error::Error;
use crate::ops::reading;
use crate::privacy::Kept;
use crate::projection::{Access, Viewer};
use crate::state::AppState;
use crate::store::pitches::Card;
use crate::store::{pitches, standing};

/// Most ids in one call.
const MOST_IDS: usize = 500;
/// Most pitches in the glances of one call.
const MOST_GLANCED: usize = 2_500;
/// Most followers in a page.
const MOST_FOLLOWERS: i32 = 1_000;

/// The gRPC services.
pub fn routes(state: AppState) -> Routes {
    Routes::new(PitchesServer::new(Door(state.clone()))).add_service(privacy_server(Kept(state)))
}

struct Door(AppState);

#[tonic::async_trait]
impl Pitches for Door {
    async fn standing(&self, request: Request<StandingRequest>) -> Result<Response<StandingReply>, Status> {
        let StandingRequest { user_id, other_id } = *request.get_ref();
        let found = self.between(UserId(user_id), UserId(other_id)).await?;
        Ok(Response::new(StandingReply {
            signed_nda_between: found.signed_nda_between,
            mutual_follow: found.mutual_follow,
            user_has_published_pitch: found.user_has_published_pitch,
            other_has_published_pitch: found.other_has_published_pitch,
        }))
    }

    async fn signed_nda(
        &self,
        request: Request<SignedNdaRequest>,
    ) -> Result<Response<SignedNdaReply>, Status> {
        let SignedNdaRequest { pitch_id, signer_id } = *request.get_ref();
        let signed = self.signed(PitchId(pitch_id), UserId(signer_id)).await?;
        Ok(Response::new(signed))
    }

    async fn pitches_by_ids(
        &self,
        request: Request<PitchesByIdsRequest>,
    ) -> Result<Response<PitchesByIdsReply>, Status> {
        let PitchesByIdsRequest { ids, viewer_id } = request.get_ref();
        if ids.len() > MOST_IDS {
            return Err(Status::invalid_argument(format!("at most {MOST_IDS} ids")));
        }
        let pitches = self.visible(ids, UserId(*viewer_id)).await?;
        Ok(Response::new(PitchesByIdsReply { pitches }))
    }

    async fn shown(&self, request: Request<ShownRequest>) -> Result<Response<ShownReply>, Status> {
        let glances = &request.get_ref().glances;
        let glanced: usize = glances.iter().map(|glance| glance.pitch_ids.len()).sum();
        if glances.len() > MOST_IDS || glanced > MOST_GLANCED {
            return Err(Status::invalid_argument(format!(
                "at most {MOST_IDS} readers and {MOST_GLANCED} pitches"
            )));
        }
        Ok(Response::new(ShownReply { sights: self.sights(glances).await? }))
    }

    async fn followers(
        &self,
        request: Request<FollowersRequest>,
    ) -> Result<Response<FollowersReply>, Status> {
        let FollowersRequest { user_id, after, limit } = *request.get_ref();
        let limit = limit.clamp(1, MOST_FOLLOWERS);
        let ids = self.followers_of(UserId(user_id), UserId(after), i64::from(limit)).await?;
        Ok(Response::new(FollowersReply { ids }))
    }
}

impl Door {
    async fn between(&self, user: UserId, other: UserId) -> Result<standing::Standing, Error> {
        let mut connection = self.0.databases.system.connection().await?;
        Ok(standing::between(&mut connection, user, other, self.0.clock.now()).await?)
    }

    async fn signed(&self, pitch: PitchId, signer: UserId) -> Result<SignedNdaReply, Error> {
        let mut connection = self.0.databases.system.connection().await?;
        let signed = standing::signed_nda(&mut connection, pitch, signer, self.0.clock.now()).await?;
        Ok(SignedNdaReply {
            in_force: signed.is_some(),
            expires_at: signed.flatten().map(|at| at.timestamp_millis()),
        })
    }

    async fn visible(&self, ids: &[i32], viewer: UserId) -> Result<Vec<Pitch>, Error> {
        let viewer = somebody(viewer);
        let mut tx = self.0.databases.system.begin().await?;
        let cards = pitches::cards(&mut tx, ids).await?;
        let mine = reading::mine(&mut tx, &viewer, ids).await?;
        tx.commit().await?;
        let now = self.0.clock.now();
        let seen = cards.into_iter().filter_map(|card| {
            let mine: Vec<_> = mine.iter().filter(|nda| nda.pitch_id == card.id).cloned().collect();
            let access = Access::decide(&viewer, &card, &mine, now)?;
            Some(told(card, &access))
        });
        Ok(seen.collect())
    }
}

impl Door {
    /// Nearly all are published ones, which anybody may know of; only for the others the viewers' NDAs are looked up.
    async fn sights(&self, glances: &[Glance]) -> Result<Vec<Sight>, Error> {
        let mut ids: Vec<i32> = glances.iter().flat_map(|glance| glance.pitch_ids.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut tx = self.0.databases.system.begin().await?;
        let now = self.0.clock.now();
        let mut cards = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(MOST_IDS) {
            cards.extend(pitches::cards(&mut tx, ids).await?.into_iter().map(|card| (card.id, card)));
        }
        let anybody = Viewer { actor: None, reason: None };
        let open: HashSet<i32> = cards
            .values()
            .filter(|card| Access::decide(&anybody, card, &[], now).is_some())
            .map(|card| card.id)
            .collect();
        let mut sights = Vec::new();
        for Glance { viewer_id, pitch_ids } in glances {
            let closed: Vec<i32> =
                pitch_ids.iter().copied().filter(|id| cards.contains_key(id) && !open.contains(id)).collect();
            let viewer = somebody(UserId(*viewer_id));
            let mine =
                if closed.is_empty() { Vec::new() } else { reading::mine(&mut tx, &viewer, &closed).await? };
            for card in pitch_ids.iter().filter_map(|id| cards.get(id)) {
                let ndas: Vec<_> = mine.iter().filter(|nda| nda.pitch_id == card.id).cloned().collect();
                if open.contains(&card.id) || Access::decide(&viewer, card, &ndas, now).is_some() {
                    let title = card.title.clone();
                    sights.push(Sight { viewer_id: *viewer_id, pitch_id: card.id, title });
                }
            }
        }
        tx.commit().await?;
        Ok(sights)
    }

    async fn followers_of(&self, user: UserId, after: UserId, limit: i64) -> Result<Vec<i32>, Error> {
        let mut connection = self.0.databases.system.connection().await?;
        Ok(standing::followers(&mut connection, user, after, limit).await?)
    }
}

/// A user of whom the caller knows the id only: no more than the least that this user may see.
fn somebody(id: UserId) -> Viewer {
    let actor = Actor {
        id,
        user_type: UserType::Viewer,
        session_id: SessionId(Uuid::nil()),
        email_verified: false,
        company_verified: false,
        admin: false,
        suspended: false,
        tier: Tier::Free,
    };
    Viewer { actor: (id.0 != 0).then_some(actor), reason: None }
}

/// The public group in short; what is protected never leaves this service.
fn told(card: Card, access: &Access) -> Pitch {
    Pitch {
        id: card.id,
        owner_id: card.user_id,
        title: card.title,
        logline: card.logline,
        genre: card.genre.as_str().to_owned(),
        format: card.format.as_str().to_owned(),
        status: card.status.as_str().to_owned(),
        requires_nda: card.requires_nda,
        thumbnail_url: card.thumbnail_url,
        access: match access {
            Access::Owner => "owner",
            Access::Signer { .. } => "signer",
            Access::Admin { .. } | Access::Open | Access::Locked { .. } => "public",
        }
        .to_owned(),
    }
}
