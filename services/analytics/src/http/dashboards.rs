use actix_web::get;
use actix_web::web::{Data, Json};
use pitchey_events::UserType;
use pitchey_web::{Actor, ValidatedQuery};

use super::Asked;
use crate::error::Error;
use crate::ops::dashboards::{
    self, BuyerDashboard, OwnerDashboard, ProductionDashboard, Span, UserAnalytics,
};
use crate::state::Door;

fn only(actor: &Actor, user_type: UserType) -> Result<(), Error> {
    if actor.user_type == user_type { Ok(()) } else { Err(Error::WrongPortal) }
}

macro_rules! dashboard {
    ($(#[$doc:meta])* $name:ident, $path:literal, $of:path => $body:ident $(, for $user_type:ident)?) => {
        $(#[$doc])*
        #[utoipa::path(tag = "analytics", params(Asked), responses((status = 200, body = $body), (status = 401), (status = 403)))]
        #[get($path)]
        pub(super) async fn $name(
            door: Data<Door>,
            actor: Actor,
            ValidatedQuery(asked): ValidatedQuery<Asked>,
        ) -> Result<Json<$body>, Error> {
            $(only(&actor, UserType::$user_type)?;)?
            let span = Span::ending(asked.timeframe, door.clock.now());
            let mut tx = door.databases.user.begin(Some(actor.id)).await?;
            let found = $of(&mut tx, actor.id, span).await?;
            tx.commit().await?;
            Ok(Json(found))
        }
    };
}

dashboard! {
    /// The caller's own numbers: what was done and seen, and how the own pitches are doing, if there are any.
    user, "/api/analytics/user", dashboards::user => UserAnalytics
}
dashboard! {
    /// How a creator's pitches are doing.
    creator, "/api/creator/dashboard", dashboards::owner => OwnerDashboard, for Creator
}
dashboard! {
    /// How a production company's pitches are doing, and what it buys into.
    production, "/api/production/dashboard", dashboards::production => ProductionDashboard, for Production
}
dashboard! {
    /// What an investor is up to.
    investor, "/api/investor/dashboard", dashboards::buyer => BuyerDashboard, for Investor
}
