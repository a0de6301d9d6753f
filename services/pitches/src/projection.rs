//! Who may see what of a pitch: the one place that decides, and the one that turns a row into JSON.

use chrono::{DateTime, Utc};
use pitchey_events::{MediaId, NdaId, UserType};
use pitchey_identity::{Actor, Principal};
use pitchey_rpc::PublicUser;
use pitchey_web::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::eligibility;
use crate::links::{plain, read_plain};
use crate::store::ndas::Nda;
use crate::store::pitches::{Card, Protected};
use crate::words::{Agreement, Format, Genre, HiddenBy, NdaStatus, PitchStatus};

/// Who looks.
#[derive(Clone, Debug, Default)]
pub struct Viewer {
    /// The user, if one is logged in.
    pub actor: Option<Actor>,
    /// Why an admin needs to see what is protected.
    pub reason: Option<String>,
}

impl Viewer {
    /// Whoever a request is for, with the reason it came with.
    pub fn new(principal: &Principal, reason: Option<String>) -> Self {
        Self { actor: principal.actor().cloned(), reason }
    }
}

/// On what grounds somebody sees a pitch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is the viewer's own: everything.
    Owner,
    /// An admin who gave a reason: everything.
    Admin {
        /// The reason.
        reason: String,
    },
    /// A signed NDA that has not run out: everything.
    Signer {
        /// The NDA.
        nda: NdaId,
        /// The version it was requested for.
        version: i32,
    },
    /// The pitch needs no NDA, and the viewer is somebody: everything.
    Open,
    /// The public group only.
    Locked {
        /// The viewer may read the agreement that would unlock the rest.
        eligible: bool,
    },
}

impl Access {
    /// Decides. `None`: the viewer may not even know that there is such a pitch. `mine` are the viewer's own NDAs for it.
    pub fn decide(viewer: &Viewer, card: &Card, mine: &[Nda], now: DateTime<Utc>) -> Option<Self> {
        if card.deleted_at.is_some() {
            return None;
        }
        if let Some(actor) = &viewer.actor {
            if actor.id == card.owner() {
                return Some(Self::Owner);
            }
            if let (true, Some(reason)) = (actor.admin, &viewer.reason) {
                return Some(Self::Admin { reason: reason.clone() });
            }
            let signed = mine
                .iter()
                .find(|nda| nda.requester() == actor.id && nda.status_at(now) == NdaStatus::Signed);
            if let Some(nda) = signed.filter(|_| card.hidden_by != Some(HiddenBy::Moderator)) {
                return Some(Self::Signer { nda: nda.id(), version: nda.pitch_version });
            }
        }
        if card.status != PitchStatus::Published {
            return None;
        }
        Some(match &viewer.actor {
            Some(actor) if card.requires_nda => Self::Locked { eligible: eligibility::is_buyer(actor) },
            Some(actor) if actor.user_type != UserType::Viewer => Self::Open,
            _ => Self::Locked { eligible: false },
        })
    }

    /// Whether the protected group is shown.
    pub const fn is_full(&self) -> bool {
        !matches!(self, Self::Locked { .. })
    }
}

/// What a viewer is told about the way in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanRequest {
    /// Whether a request for an NDA would be accepted, as far as this service knows.
    pub can_request: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// A pitch as the API shows it. Only [`project`] makes one.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pitch {
    id: i32,
    user_id: i32,
    title: String,
    logline: String,
    genre: Genre,
    format: Format,
    format_category: Option<String>,
    short_synopsis: Option<String>,
    target_audience: Option<String>,
    #[schema(value_type = Option<Vec<String>>)]
    themes: Option<Value>,
    #[schema(value_type = Option<Vec<crate::input::Comparable>>)]
    comparables: Option<Value>,
    why_now: Option<String>,
    thumbnail_url: Option<String>,
    /// Those that the viewer may see.
    media_files: Vec<Value>,
    video_url: Option<String>,
    poster_url: Option<String>,
    pitch_deck_url: Option<String>,
    budget: Option<String>,
    /// The same as `budget`.
    budget_range: Option<String>,
    estimated_budget: Option<String>,
    stage: Option<String>,
    /// The same as `stage`.
    production_stage: Option<String>,
    seeking_investment: bool,
    status: PitchStatus,
    /// private, nda_required or public.
    visibility: &'static str,
    #[serde(rename = "requiresNDA")]
    requires_nda: bool,
    /// The same as `requiresNDA`.
    #[serde(rename = "requireNda")]
    require_nda: bool,
    nda_type: Option<Agreement>,
    views: i32,
    /// The same as `views`.
    view_count: i32,
    like_count: i32,
    nda_count: i32,
    comment_count: i32,
    /// Shown among the featured until then.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    promoted_until: Option<Timestamp>,
    /// For If-Match.
    version: i64,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
    #[schema(value_type = Option<String>)]
    published_at: Option<Timestamp>,
    /// The owner; left out while nobody can say who that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<PublicUser>,
    is_owner: bool,
    #[serde(rename = "hasSignedNDA")]
    has_signed_nda: bool,
    #[serde(rename = "canRequestNDA")]
    can_request_nda: CanRequest,
    /// Only for who may sign it.
    #[serde(rename = "customNDAUrl", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    custom_nda_url: Option<Option<String>>,
    /// Left out where locked.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    protected: Option<ProtectedGroup>,
}

/// The protected group of a pitch.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProtectedGroup {
    long_synopsis: Option<String>,
    opener: Option<String>,
    premise: Option<String>,
    #[schema(value_type = Option<Vec<crate::input::Talent>>)]
    key_talent: Option<Value>,
    personal_connection: Option<String>,
    description: Option<String>,
    #[schema(value_type = Option<Vec<crate::input::Character>>)]
    characters: Option<Value>,
    world_description: Option<String>,
    completion_percentage: Option<i32>,
}

impl Pitch {
    /// Which it is.
    pub const fn id(&self) -> i32 {
        self.id
    }

    /// Whose it is.
    pub const fn user_id(&self) -> i32 {
        self.user_id
    }

    /// With links instead of addresses wherever a token would be needed.
    #[must_use]
    pub fn linked(mut self, link: impl Fn(MediaId) -> String) -> Self {
        for file in &mut self.media_files {
            let id =
                file.get("id").and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok()).map(MediaId);
            let Some(id) = id.filter(|_| file.get("public") != Some(&Value::Bool(true))) else { continue };
            let former = plain(id);
            // Others are kept elsewhere.
            if file.get("url").and_then(Value::as_str) == Some(&former) {
                let linked = link(id);
                for url in [&mut self.video_url, &mut self.poster_url, &mut self.pitch_deck_url] {
                    if url.as_ref() == Some(&former) {
                        *url = Some(linked.clone());
                    }
                }
                file["url"] = Value::String(linked);
            }
        }
        if let Some(Some(url)) = &mut self.custom_nda_url
            && let Some(id) = read_plain(url)
        {
            *url = link(id);
        }
        self
    }

    /// With its owner.
    #[must_use]
    pub fn with_owner(mut self, owner: Option<PublicUser>) -> Self {
        self.user = owner;
        self
    }
}

/// The pitch as `viewer` may see it on the grounds of `access`. Lists of other people's pitches pass no protected group, whoever looks.
pub fn project(
    card: Card,
    protected: Option<Protected>,
    viewer: &Viewer,
    access: &Access,
    mine: &[Nda],
    now: DateTime<Utc>,
) -> Pitch {
    let protected = protected.filter(|_| access.is_full());
    let is_owner = *access == Access::Owner;
    let obstacle = eligibility::obstacle(viewer.actor.as_ref(), &card, mine, now);
    let media_files = visible_media(card.media_files, protected.is_some());
    let url = |kind: &str| {
        let file = media_files.iter().find(|file| file.get("type").and_then(Value::as_str) == Some(kind))?;
        file.get("url").and_then(Value::as_str).map(str::to_owned)
    };
    let (video_url, poster_url, pitch_deck_url) = (url("video"), url("poster"), url("pitch_deck"));
    let readable = protected.is_some() || *access == (Access::Locked { eligible: true });
    Pitch {
        id: card.id,
        user_id: card.user_id,
        title: card.title,
        logline: card.logline,
        genre: card.genre,
        format: card.format,
        format_category: card.format_category,
        short_synopsis: card.short_synopsis,
        target_audience: card.target_audience,
        themes: card.themes,
        comparables: card.comparables,
        why_now: card.why_now,
        thumbnail_url: card.thumbnail_url,
        media_files,
        video_url,
        poster_url,
        pitch_deck_url,
        budget_range: card.budget.clone(),
        budget: card.budget,
        estimated_budget: card.estimated_budget,
        production_stage: card.stage.clone(),
        stage: card.stage,
        seeking_investment: card.seeking_investment,
        status: card.status,
        visibility: match card.status {
            PitchStatus::Published if card.requires_nda => "nda_required",
            PitchStatus::Published => "public",
            _ => "private",
        },
        requires_nda: card.requires_nda,
        require_nda: card.requires_nda,
        nda_type: card.nda_type,
        views: card.views,
        view_count: card.views,
        like_count: card.like_count,
        nda_count: card.nda_count,
        comment_count: card.comment_count,
        promoted_until: card.promoted_until.filter(|until| *until > now).map(Timestamp::from),
        version: card.version,
        created_at: card.created_at.into(),
        updated_at: card.updated_at.into(),
        published_at: card.published_at.map(Timestamp::from),
        user: None,
        is_owner,
        has_signed_nda: mine.iter().any(|nda| nda.status_at(now) == NdaStatus::Signed),
        can_request_nda: CanRequest {
            can_request: obstacle.is_none(),
            reason: obstacle.map(|obstacle| obstacle.to_string()),
        },
        custom_nda_url: readable.then_some(card.custom_nda_url),
        protected: protected.map(|protected| ProtectedGroup {
            long_synopsis: protected.long_synopsis,
            opener: protected.opener,
            premise: protected.premise,
            key_talent: protected.key_talent,
            personal_connection: protected.personal_connection,
            description: protected.description,
            characters: protected.characters,
            world_description: protected.world_description,
            completion_percentage: protected.completion_percentage,
        }),
    }
}

fn visible_media(files: Option<Value>, all: bool) -> Vec<Value> {
    let Some(Value::Array(files)) = files else { return Vec::new() };
    files.into_iter().filter(|file| all || file.get("public") == Some(&Value::Bool(true))).collect()
}
