//! The contents page: every route of this service.

mod comments;
mod discovery;
mod extract;
mod follows;
mod investments;
mod keys;
mod likes;
mod media;
mod media_bytes;
mod nda_answers;
mod nda_documents;
mod nda_policy;
mod nda_requests;
mod ndas;
mod pitch_lists;
mod pitches;
mod reports;
mod search;
mod sharing;
mod upload_form;
mod versions;

use utoipa_actix_web::service_config::ServiceConfig;

pub use search::Found;

/// Registers all routes; literal paths come before `{id}`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(pitch_lists::list)
        .service(pitch_lists::public)
        .service(pitches::public)
        .service(discovery::featured)
        .service(discovery::recommended)
        .service(discovery::following)
        .service(discovery::trending)
        .service(discovery::batch)
        .service(discovery::archive)
        .service(discovery::delete)
        .service(search::suggestions)
        .service(search::search)
        .service(search::advanced)
        .service(pitches::create)
        .service(pitches::get)
        .service(pitches::edit)
        .service(pitches::archive)
        .service(pitches::delete)
        .service(pitches::publish)
        .service(pitches::unpublish)
        .service(pitches::hide)
        .service(pitches::promote)
        .service(likes::like)
        .service(likes::unlike)
        .service(likes::list)
        .service(comments::list)
        .service(comments::write)
        .service(comments::edit)
        .service(comments::remove)
        .service(sharing::share)
        .service(sharing::own_link)
        .service(reports::complain)
        .service(reports::list)
        .service(reports::resolve)
        .service(reports::hide)
        .service(follows::follow)
        .service(follows::unfollow)
        .service(follows::followers)
        .service(follows::following_of)
        .service(follows::own_followers)
        .service(follows::own_following)
        .service(follows::watchlist)
        .service(follows::watch)
        .service(follows::unwatch)
        .service(versions::list)
        .service(versions::get)
        .service(nda_requests::request)
        .service(ndas::list)
        .service(ndas::signed)
        .service(ndas::stats)
        .service(nda_policy::get)
        .service(nda_policy::put)
        .service(nda_answers::bulk_approve)
        .service(nda_answers::bulk_reject)
        .service(nda_requests::status)
        .service(nda_requests::can_request)
        .service(ndas::get)
        .service(nda_answers::approve)
        .service(nda_answers::reject)
        .service(nda_answers::sign)
        .service(nda_answers::withdraw)
        .service(nda_answers::revoke)
        .service(nda_answers::remind)
        .service(nda_documents::document)
        .service(nda_documents::receipt)
        .service(nda_documents::verify)
        .service(media::upload)
        .service(media_bytes::file)
        .service(media::get)
        .service(media::delete)
        .service(investments::list)
        .service(investments::track)
        .service(keys::published);
}
