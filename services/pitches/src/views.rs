//! Tells analytics which details were shown to whom. Offered to a bounded buffer: counting neither delays nor fails a read.

use std::sync::{Arc, OnceLock};

use pitchey_bus::{Batches, Bus};
use pitchey_db::Databases;
use pitchey_db::audit::Origin;
use pitchey_events::{PitchId, PitchOpened, UserId, View, ViewSource};

use crate::projection::{Pitch, Viewer};
use crate::state::AppState;

/// The way to analytics, once there is a bus; before, nobody is served.
#[derive(Clone, Default)]
pub struct Views(Arc<OnceLock<Batches<View>>>);

impl Views {
    /// Publishes by `bus` from now on.
    pub fn start(&self, bus: &Bus, databases: &Databases) {
        self.0.get_or_init(|| Batches::start(bus, databases, |items| PitchOpened { items }));
    }

    fn offer(&self, view: View) {
        // What there is no room for is counted by the buffer.
        let _ = self.0.get().map(|batches| batches.offer(view));
    }
}

/// Notes that `viewer` was shown `pitch`, `protected` part and all. Owners and admins are no viewers.
pub fn note(
    state: &AppState,
    pitch: &Pitch,
    viewer: &Viewer,
    origin: &Origin,
    protected: bool,
    source: ViewSource,
) {
    let actor = viewer.actor.as_ref();
    if actor.is_some_and(|actor| actor.admin || actor.id.0 == pitch.user_id()) {
        return;
    }
    state.views.offer(View {
        pitch_id: PitchId(pitch.id()),
        owner_id: Some(UserId(pitch.user_id())),
        viewer_id: actor.map(|actor| actor.id),
        viewer_type: actor.map(|actor| actor.user_type),
        at: state.clock.now(),
        source,
        protected,
        seconds: None,
        ip: origin.ip.clone(),
        user_agent: origin.user_agent.clone(),
        request: None,
        nth: None,
    });
}
