//! What people are shown: read from sums, never from the rows they were made of. A number nobody has is null, never made up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};
use pitchey_web::Timestamp;
use serde::Serialize;

use crate::store::activity::{self, Amounts, Subject};
use crate::store::nda_timings::{self, Answering};
use crate::store::rollups::{self, Sum, Viewed};
use crate::store::{totals, tracked_pitches, viewers};
use crate::words::{Grain, Timeframe};

/// Pitches in a list of the best or the last.
const SOME: i64 = 10;

/// Views of an hour or a day. Those without any are left out.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Point {
    /// When it begins.
    #[schema(value_type = String)]
    at: Timestamp,
    views: i64,
    protected_views: i64,
}

/// How often something was looked at, by whom and coming from where.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Views {
    views: i64,
    unique_viewers: i64,
    /// Those during which the protected part was shown.
    protected_views: i64,
    /// Of the views of which somebody said how long they took; null if nobody did.
    average_view_seconds: Option<f64>,
    views_over_time: Vec<Point>,
    views_by_type: BTreeMap<String, i64>,
    views_by_source: BTreeMap<String, i64>,
}

/// Something that is given and taken back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Gain {
    /// Now.
    total: i64,
    /// In the timeframe.
    gained: i64,
    /// In the timeframe.
    lost: i64,
}

/// What became of NDAs in the timeframe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ndas {
    requested: i64,
    approved: i64,
    rejected: i64,
    signed: i64,
    withdrawn: i64,
    revoked: i64,
    expired: i64,
    /// Requests answered by a person in the timeframe.
    answers: i64,
    /// How long those took; null without any.
    median_answer_seconds: Option<f64>,
}

/// Everything that was ever counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Lifetime {
    views: i64,
    unique_viewers: i64,
    protected_views: i64,
}

/// How a pitch is doing.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PitchAnalytics {
    pitch_id: i32,
    /// As last heard; null if it never was.
    title: Option<String>,
    timeframe: Timeframe,
    #[schema(value_type = String)]
    since: Timestamp,
    #[serde(flatten)]
    views: Views,
    lifetime: Lifetime,
    followers: Gain,
    likes: Gain,
    comments: i64,
    ndas: Ndas,
}

/// How an owner's pitches are doing.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnerDashboard {
    timeframe: Timeframe,
    #[schema(value_type = String)]
    since: Timestamp,
    total_pitches: i64,
    #[serde(flatten)]
    views: Views,
    /// Of the owner.
    followers: Gain,
    /// Of the own pitches.
    pitch_followers: Gain,
    likes: Gain,
    comments: i64,
    ndas: Ndas,
    /// By views in the timeframe.
    top_pitches: Vec<Viewed>,
}

/// A pitch that somebody looked at.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen {
    pitch_id: i32,
    /// As last heard; null if it never was.
    title: Option<String>,
    /// All of this viewer's.
    views: i32,
    #[schema(value_type = String)]
    last_viewed_at: Timestamp,
}

/// Money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spent {
    /// ISO 4217.
    currency: String,
    /// In minor units, without what came back.
    amount_cents: i64,
}

/// What a buyer is up to.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuyerDashboard {
    timeframe: Timeframe,
    #[schema(value_type = String)]
    since: Timestamp,
    /// The buyer's own requests.
    ndas: Ndas,
    /// Users.
    following: Gain,
    /// Pitches.
    watchlist: Gain,
    investments_tracked: i64,
    /// In the timeframe; none is an empty list.
    spent: Vec<Spent>,
    pitches_viewed: i64,
    recently_viewed: Vec<Seen>,
}

/// What a production company, which both owns and buys, sees.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ProductionDashboard {
    #[serde(flatten)]
    owner: OwnerDashboard,
    buying: BuyerDashboard,
}

/// A user's own numbers, whatever the user came for.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserAnalytics {
    timeframe: Timeframe,
    #[schema(value_type = String)]
    since: Timestamp,
    /// What the user did, and was answered, as `nda.requested`: how often.
    activity: BTreeMap<String, i64>,
    /// What happened to the user and the own pitches.
    received: BTreeMap<String, i64>,
    pitches_viewed: i64,
    recently_viewed: Vec<Seen>,
    /// Of the own pitches, all of them together.
    #[serde(flatten)]
    views: Views,
}

/// Of which time, to which moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    timeframe: Timeframe,
    since: DateTime<Utc>,
}

impl Span {
    pub(crate) fn ending(timeframe: Timeframe, now: DateTime<Utc>) -> Self {
        Self { timeframe, since: timeframe.since(now) }
    }

    const fn grain(self) -> Grain {
        self.timeframe.grain()
    }

    /// What happened to `subject` in it.
    pub(crate) async fn of(self, tx: &mut Tx, subject: Subject) -> QueryResult<Amounts> {
        activity::since(tx, subject, self.grain(), self.since).await
    }
}

/// How `pitch` is doing.
pub(crate) async fn pitch(tx: &mut Tx, pitch: PitchId, span: Span) -> QueryResult<PitchAnalytics> {
    let known = tracked_pitches::find(tx, &[pitch.0]).await?.pop();
    let sums = rollups::of_pitch(tx, pitch, span.grain(), span.since).await?;
    let unique = viewers::since(tx, pitch, span.since).await?;
    let lifetime = totals::of(tx, pitch).await?;
    let (lately, ever) = both(tx, Subject::Pitch(pitch), span).await?;
    Ok(PitchAnalytics {
        pitch_id: pitch.0,
        title: known.and_then(|known| known.title),
        timeframe: span.timeframe,
        since: span.since.into(),
        views: Views::of(&sums, unique),
        lifetime: Lifetime {
            views: lifetime.views,
            unique_viewers: lifetime.viewers,
            protected_views: lifetime.protected_views,
        },
        followers: Gain::of(&lately, &ever, "pitch.followed", "pitch.unfollowed"),
        likes: Gain::of(&lately, &ever, "pitch.liked", "pitch.unliked"),
        comments: lately.of("pitch.commented"),
        ndas: ndas(tx, Subject::Pitch(pitch), &lately, span).await?,
    })
}

/// How `owner`'s pitches are doing.
pub(crate) async fn owner(tx: &mut Tx, owner: UserId, span: Span) -> QueryResult<OwnerDashboard> {
    let (lately, ever) = both(tx, Subject::Owner(owner), span).await?;
    Ok(OwnerDashboard {
        timeframe: span.timeframe,
        since: span.since.into(),
        total_pitches: tracked_pitches::count_of_owner(tx, owner).await?,
        views: views_of_owner(tx, owner, span).await?,
        followers: Gain::of(&lately, &ever, "user.followed", "user.unfollowed"),
        pitch_followers: Gain::of(&lately, &ever, "pitch.followed", "pitch.unfollowed"),
        likes: Gain::of(&lately, &ever, "pitch.liked", "pitch.unliked"),
        comments: lately.of("pitch.commented"),
        ndas: ndas(tx, Subject::Owner(owner), &lately, span).await?,
        top_pitches: rollups::top_pitches(tx, owner, span.since, SOME).await?,
    })
}

/// What `buyer` is up to.
pub(crate) async fn buyer(tx: &mut Tx, buyer: UserId, span: Span) -> QueryResult<BuyerDashboard> {
    let (lately, ever) = both(tx, Subject::Member(buyer), span).await?;
    Ok(BuyerDashboard {
        timeframe: span.timeframe,
        since: span.since.into(),
        ndas: ndas(tx, Subject::Member(buyer), &lately, span).await?,
        following: Gain::of(&lately, &ever, "user.followed", "user.unfollowed"),
        watchlist: Gain::of(&lately, &ever, "pitch.followed", "pitch.unfollowed"),
        investments_tracked: lately.of("investment.tracked"),
        spent: spent(&lately),
        pitches_viewed: viewers::seen_by(tx, buyer, span.since).await?,
        recently_viewed: recently_viewed(tx, buyer).await?,
    })
}

/// Both halves of a production company.
pub(crate) async fn production(tx: &mut Tx, user: UserId, span: Span) -> QueryResult<ProductionDashboard> {
    Ok(ProductionDashboard { owner: owner(tx, user, span).await?, buying: buyer(tx, user, span).await? })
}

/// The numbers of `user`.
pub(crate) async fn user(tx: &mut Tx, user: UserId, span: Span) -> QueryResult<UserAnalytics> {
    let by_action = |amounts: &Amounts| amounts.all().map(|(action, n)| (action.to_owned(), n)).collect();
    let activity = span.of(tx, Subject::Member(user)).await?;
    let received = span.of(tx, Subject::Owner(user)).await?;
    Ok(UserAnalytics {
        timeframe: span.timeframe,
        since: span.since.into(),
        activity: by_action(&activity),
        received: by_action(&received),
        pitches_viewed: viewers::seen_by(tx, user, span.since).await?,
        recently_viewed: recently_viewed(tx, user).await?,
        views: views_of_owner(tx, user, span).await?,
    })
}

async fn both(tx: &mut Tx, subject: Subject, span: Span) -> QueryResult<(Amounts, Amounts)> {
    Ok((span.of(tx, subject).await?, activity::ever(tx, subject).await?))
}

async fn views_of_owner(tx: &mut Tx, owner: UserId, span: Span) -> QueryResult<Views> {
    let sums = rollups::of_owner(tx, owner, span.grain(), span.since).await?;
    Ok(Views::of(&sums, viewers::of_owner_since(tx, owner, span.since).await?))
}

async fn ndas(tx: &mut Tx, subject: Subject, lately: &Amounts, span: Span) -> QueryResult<Ndas> {
    let Answering { answers, median } = nda_timings::answering(tx, subject, span.since).await?;
    Ok(Ndas {
        requested: lately.of("nda.requested"),
        approved: lately.of("nda.approved"),
        rejected: lately.of("nda.rejected"),
        signed: lately.of("nda.signed"),
        withdrawn: lately.of("nda.withdrawn"),
        revoked: lately.of("nda.revoked"),
        expired: lately.of("nda.expired"),
        answers,
        median_answer_seconds: median,
    })
}

async fn recently_viewed(tx: &mut Tx, viewer: UserId) -> QueryResult<Vec<Seen>> {
    let seen = viewers::last_seen_by(tx, viewer, SOME).await?;
    let ids: Vec<i32> = seen.iter().map(|seen| seen.pitch_id).collect();
    let known: BTreeMap<i32, tracked_pitches::Pitch> =
        tracked_pitches::find(tx, &ids).await?.into_iter().map(|pitch| (pitch.pitch_id, pitch)).collect();
    let seen = seen.into_iter().filter_map(|seen| {
        let pitch = known.get(&seen.pitch_id).filter(|pitch| pitch.deleted_at.is_none())?;
        Some(Seen {
            pitch_id: seen.pitch_id,
            title: pitch.title.clone(),
            views: seen.views,
            last_viewed_at: seen.last_at.into(),
        })
    });
    Ok(seen.collect())
}

/// What was paid and did not come back, by currency.
fn spent(amounts: &Amounts) -> Vec<Spent> {
    let mut by_currency: BTreeMap<&str, i64> = BTreeMap::new();
    for (action, amount) in amounts.all() {
        if let Some(currency) = action.strip_prefix("payment.succeeded.") {
            *by_currency.entry(currency).or_default() += amount;
        } else if let Some(currency) = action.strip_prefix("payment.refunded.") {
            *by_currency.entry(currency).or_default() -= amount;
        }
    }
    by_currency
        .into_iter()
        .map(|(currency, amount_cents)| Spent { currency: currency.to_ascii_uppercase(), amount_cents })
        .collect()
}

impl Gain {
    fn of(lately: &Amounts, ever: &Amounts, gained: &str, lost: &str) -> Self {
        Self { total: ever.net(gained, lost), gained: lately.of(gained), lost: lately.of(lost) }
    }
}

impl Views {
    /// From sums in order of their times.
    fn of(sums: &[Sum], unique_viewers: i64) -> Self {
        let (mut views, mut protected_views, mut timed, mut seconds) = (0, 0, 0, 0);
        let mut views_over_time: Vec<Point> = Vec::new();
        let (mut views_by_type, mut views_by_source) = (BTreeMap::new(), BTreeMap::new());
        for sum in sums {
            views += sum.views;
            protected_views += sum.protected_views;
            timed += sum.timed_views;
            seconds += sum.seconds;
            *views_by_type.entry(sum.viewer_type.clone()).or_default() += sum.views;
            *views_by_source.entry(sum.source.clone()).or_default() += sum.views;
            let at = Timestamp(sum.at);
            match views_over_time.last_mut().filter(|point| point.at == at) {
                Some(point) => {
                    point.views += sum.views;
                    point.protected_views += sum.protected_views;
                }
                None => {
                    views_over_time.push(Point {
                        at,
                        views: sum.views,
                        protected_views: sum.protected_views,
                    });
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "an average")]
        let average_view_seconds = (timed > 0).then(|| seconds as f64 / timed as f64);
        Self {
            views,
            unique_viewers,
            protected_views,
            average_view_seconds,
            views_over_time,
            views_by_type,
            views_by_source,
        }
    }
}
