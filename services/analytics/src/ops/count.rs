//! Counting views: a batch of what was seen becomes views that count, and every sum that they are part of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use diesel::QueryResult;
use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId, View};

use crate::counting::{Counted, Longer, Look, Verdict, decide};
use crate::state::AppState;
use crate::store::rollups::{self, Sums};
use crate::store::totals::{self, More};
use crate::store::viewers::{self, Viewer};
use crate::store::views::{self, Pair};
use crate::store::{active_days, salts, take_turns, tracked_pitches};
use crate::viewers::{anonymous, of_user};
use crate::words::viewer_type;

/// Why a look is none that could count, for the metric.
const BOT: &str = "bot";
const OWN: &str = "own";
const UNKNOWN: &str = "unknown pitch";

/// Counts what of `seen` counts.
pub(crate) async fn count(tx: &mut Tx, state: &AppState, seen: Vec<View>) -> QueryResult<()> {
    let total = seen.len();
    let people: Vec<_> =
        seen.into_iter().filter(|view| !state.bots.is_bot(view.user_agent.as_deref())).collect();
    note(BOT, total - people.len());
    if people.is_empty() {
        return Ok(());
    }
    take_turns(tx);
    let eligible = eligible(tx, people).await?;
    let looks = looks(tx, eligible).await?;
    if looks.is_empty() {
        return Ok(());
    }
    let mut changes = Changes::of(tx, &looks).await?;
    let mut late = Vec::new();
    for (pair, looks) in looks {
        let Verdict { opened, longer, late: before } = decide(changes.latest(&pair), looks);
        if let Some(longer) = longer {
            changes.lengthen(&pair, longer);
        }
        for (view, look) in opened {
            changes.open(&pair, view, look);
        }
        late.extend(before.into_iter().map(|look| (pair.clone(), look)));
    }
    changes.write(tx).await?;
    for (pair, look) in late {
        count_late(tx, &pair, look).await?;
    }
    Ok(())
}

/// One from before the viewer's latest view: the rows know which view it belongs to, if any.
async fn count_late(tx: &mut Tx, pair: &Pair, look: Look) -> QueryResult<()> {
    let mut changes = Changes::of(tx, &BTreeMap::from([(pair.clone(), Vec::new())])).await?;
    match views::near(tx, pair, look.at).await? {
        Some(before) => {
            let after = before.clone().with(&look);
            if after != before {
                changes.lengthen(pair, Longer { before, after });
            }
        }
        None => {
            let opened = decide(None, vec![look]).opened;
            for (view, look) in opened {
                changes.open(pair, view, look);
            }
        }
    }
    changes.write(tx).await
}

/// Without what owners do on their own pitches, and without pitches nobody knows.
async fn eligible(tx: &mut Tx, seen: Vec<View>) -> QueryResult<Vec<View>> {
    let ids: BTreeSet<i32> = seen.iter().map(|view| view.pitch_id.0).collect();
    let known = tracked_pitches::find(tx, &ids.into_iter().collect::<Vec<_>>()).await?;
    let mut owners: HashMap<i32, Option<i32>> = known
        .into_iter()
        .map(|pitch| (pitch.pitch_id, pitch.deleted_at.is_none().then_some(pitch.owner_id)))
        .collect();
    let mut learned = BTreeMap::new();
    for view in &seen {
        if let (Some(owner), false) = (view.owner_id, owners.contains_key(&view.pitch_id.0)) {
            learned.insert(view.pitch_id.0, owner.0);
        }
    }
    if !learned.is_empty() {
        owners.extend(learned.iter().map(|(pitch, owner)| (*pitch, Some(*owner))));
        tracked_pitches::learn(tx, &learned.into_iter().collect::<Vec<_>>()).await?;
    }
    let (mut own, mut unknown) = (0, 0);
    let eligible = seen
        .into_iter()
        .filter(|view| match owners.get(&view.pitch_id.0).copied().flatten() {
            None => {
                unknown += 1;
                false
            }
            Some(owner) if view.viewer_id == Some(UserId(owner)) => {
                own += 1;
                false
            }
            Some(_) => true,
        })
        .collect();
    note(OWN, own);
    note(UNKNOWN, unknown);
    Ok(eligible)
}

/// By whose they are.
async fn looks(tx: &mut Tx, seen: Vec<View>) -> QueryResult<BTreeMap<Pair, Vec<Look>>> {
    let strangers = seen.iter().filter(|view| view.viewer_id.is_none());
    let days: BTreeSet<_> = strangers.map(|view| view.at.date_naive()).collect();
    let salts = if days.is_empty() {
        BTreeMap::new()
    } else {
        salts::of(tx, &days.into_iter().collect::<Vec<_>>()).await?
    };
    let mut looks: BTreeMap<Pair, Vec<Look>> = BTreeMap::new();
    for view in seen {
        let PitchId(pitch_id) = view.pitch_id;
        let (ip, user_agent) = (view.ip.as_deref(), view.user_agent.as_deref());
        let viewer = match view.viewer_id {
            Some(id) => of_user(id),
            None => {
                let salt = salts.get(&view.at.date_naive()).map(Vec::as_slice).unwrap_or_default();
                anonymous(salt, view.pitch_id, ip, user_agent)
            }
        };
        let pair = Pair { pitch_id, viewer, viewer_id: view.viewer_id.map(|id| id.0) };
        looks.entry(pair).or_default().push(Look {
            // As fine as the database keeps it: the time is what finds the view again.
            at: view.at.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(view.at),
            source: view.source.as_str().to_owned(),
            viewer_type: viewer_type(&view).to_owned(),
            protected: view.protected,
            seconds: view.seconds,
            ip: view.ip,
            user_agent: view.user_agent,
        });
    }
    Ok(looks)
}

/// What a batch changes, gathered, so that each table is written once.
struct Changes {
    known: HashMap<Pair, Viewer>,
    touched: BTreeSet<Pair>,
    opened: Vec<(Pair, Counted, Look)>,
    longer: Vec<(Pair, Counted)>,
    sums: Sums,
    totals: BTreeMap<i32, More>,
    active: BTreeSet<(chrono::NaiveDate, i32)>,
}

impl Changes {
    async fn of(tx: &mut Tx, looks: &BTreeMap<Pair, Vec<Look>>) -> QueryResult<Self> {
        let pairs: Vec<_> = looks.keys().map(|pair| (pair.pitch_id, pair.viewer.as_slice())).collect();
        let pair = |known: &Viewer| Pair {
            pitch_id: known.pitch_id,
            viewer: known.viewer.clone(),
            viewer_id: known.viewer_id,
        };
        let known = viewers::find(tx, &pairs).await?.into_iter().map(|known| (pair(&known), known));
        let active = looks.iter().flat_map(|(pair, looks)| {
            pair.viewer_id.into_iter().flat_map(|id| looks.iter().map(move |look| (look.at.date_naive(), id)))
        });
        Ok(Self {
            active: active.collect(),
            known: known.collect(),
            touched: BTreeSet::new(),
            opened: Vec::new(),
            longer: Vec::new(),
            sums: Sums::default(),
            totals: BTreeMap::new(),
        })
    }

    fn latest(&self, pair: &Pair) -> Option<Counted> {
        self.known.get(pair).map(|known| Counted {
            at: known.last_at,
            source: known.last_source.clone(),
            viewer_type: known.viewer_type.clone(),
            protected: known.last_protected,
            seconds: known.last_seconds,
        })
    }

    fn open(&mut self, pair: &Pair, view: Counted, look: Look) {
        self.add(pair, None, &view);
        self.opened.push((pair.clone(), view, look));
    }

    fn lengthen(&mut self, pair: &Pair, Longer { before, after }: Longer) {
        self.add(pair, Some(&before), &after);
        self.longer.push((pair.clone(), after));
    }

    fn add(&mut self, pair: &Pair, before: Option<&Counted>, view: &Counted) {
        self.sums.add(pair.pitch_id, before, view);
        let more = rollups::More::between(before, view);
        let total = self.totals.entry(pair.pitch_id).or_default();
        total.views += i64::from(more.views);
        total.protected_views += i64::from(more.protected_views);
        total.seconds += more.seconds;
        let known = self.known.entry(pair.clone()).or_insert_with(|| {
            total.viewers += 1;
            stranger(pair, view)
        });
        known.views += more.views;
        known.protected_views += more.protected_views;
        known.seconds += more.seconds;
        known.first_at = known.first_at.min(view.at);
        if view.at >= known.last_at {
            known.last_at = view.at;
            known.last_source.clone_from(&view.source);
            known.viewer_type.clone_from(&view.viewer_type);
            known.last_seconds = view.seconds;
            known.last_protected = view.protected;
        }
        self.touched.insert(pair.clone());
    }

    async fn write(&self, tx: &mut Tx) -> QueryResult<()> {
        if !self.active.is_empty() {
            active_days::note(tx, &self.active).await?;
        }
        if self.touched.is_empty() {
            return Ok(());
        }
        if !self.opened.is_empty() {
            let rows: Vec<_> = self.opened.iter().map(|(pair, view, look)| (pair, view, look)).collect();
            views::insert(tx, &rows).await?;
        }
        if !self.longer.is_empty() {
            let rows: Vec<_> = self.longer.iter().map(|(pair, view)| (pair, view)).collect();
            views::lengthen(tx, &rows).await?;
        }
        let known: Vec<_> = self.touched.iter().filter_map(|pair| self.known.get(pair)).collect();
        viewers::keep(tx, &known).await?;
        rollups::add(tx, &self.sums).await?;
        totals::add(tx, &self.totals).await?;
        metrics::counter!("analytics_views_counted_total").increment(self.opened.len() as u64);
        Ok(())
    }
}

/// A viewer not known before, without any view yet.
fn stranger(pair: &Pair, view: &Counted) -> Viewer {
    Viewer {
        pitch_id: pair.pitch_id,
        viewer: pair.viewer.clone(),
        viewer_id: pair.viewer_id,
        viewer_type: view.viewer_type.clone(),
        views: 0,
        protected_views: 0,
        seconds: 0,
        first_at: view.at,
        last_at: DateTime::<Utc>::MIN_UTC,
        last_source: view.source.clone(),
        last_seconds: None,
        last_protected: false,
    }
}

fn note(why: &'static str, looks: usize) {
    if looks > 0 {
        metrics::counter!("analytics_looks_ignored_total", "why" => why).increment(looks as u64);
    }
}
