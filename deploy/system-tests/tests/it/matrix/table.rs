//! Who gets which status. In this order in each line: anonymous, viewer, another creator, the owner, the requester, another investor, an admin.

use super::Statuses;
use crate::world::Given::{self, Approved, Draft, Pending, Published, Signed};

/// Method and path as OpenAPI has them, what is given, and who gets which status.
pub type Row = (&'static str, Given, Statuses);

/// The same for everybody.
const fn all(status: u16) -> Statuses {
    [status; 7]
}

/// Everybody who is logged in.
const fn users(status: u16) -> Statuses {
    [401, status, status, status, status, status, status]
}

/// Accounts.
#[rustfmt::skip]
pub const ACCOUNTS: &[Row] = &[
    //                                                          anon view crea own  req  stra admin
    ("POST /api/auth/register",                     Draft,     all(400)),
    ("POST /api/auth/creator/register",             Draft,     all(400)),
    ("POST /api/auth/investor/register",            Draft,     all(400)),
    ("POST /api/auth/production/register",          Draft,     all(400)),
    ("POST /api/auth/verify-email",                 Draft,     all(400)),
    ("POST /api/auth/resend-verification",          Draft,     users(200)),
    ("POST /api/auth/login",                        Draft,     all(401)),
    ("POST /api/auth/creator/login",                Draft,     all(401)),
    ("POST /api/auth/investor/login",               Draft,     all(401)),
    ("POST /api/auth/production/login",             Draft,     all(401)),
    ("POST /api/auth/session/refresh",              Draft,     all(401)),
    ("POST /api/auth/forgot-password",              Draft,     all(200)),
    ("POST /api/auth/reset-password",               Draft,     all(400)),
    ("POST /api/auth/change-password",              Draft,     [401, 400, 400, 400, 400, 400, 400]),
    ("POST /api/auth/logout",                       Draft,     users(200)),
    ("GET /api/auth/session",                       Draft,     users(200)),
    ("GET /api/user/profile",                       Draft,     users(200)),
    ("PUT /api/user/profile",                       Draft,     users(200)),
    ("GET /api/user/sessions",                      Draft,     users(200)),
    ("DELETE /api/user/sessions/{id}",              Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/user/preferences",                   Draft,     users(200)),
    ("PUT /api/user/preferences",                   Draft,     users(200)),
    ("GET /api/user/totp",                          Draft,     users(200)),
    ("POST /api/user/totp",                         Draft,     users(400)),
    ("POST /api/user/totp/confirm",                 Draft,     users(400)),
    ("DELETE /api/user/totp",                       Draft,     users(400)),
    ("GET /api/user/company-verification",          Draft,     users(200)),
    ("POST /api/user/company-verification",         Draft,     [401, 403, 201, 201, 201, 201, 403]),
    ("DELETE /api/user/account",                    Draft,     users(400)),
    ("POST /api/gdpr/requests",                     Draft,     users(201)),
    ("GET /api/gdpr/requests",                      Draft,     users(200)),
    ("GET /api/gdpr/exports/{id}",                  Draft,     users(404)),
    ("GET /api/gdpr/consents",                      Draft,     users(200)),
    ("PUT /api/gdpr/consents",                      Draft,     users(200)),
    ("GET /api/search/users",                       Draft,     all(200)),
    ("POST /api/users/{id}/block",                  Draft,     [401, 400, 201, 201, 201, 201, 201]),
    ("DELETE /api/users/{id}/block",                Draft,     users(200)),
    ("GET /api/users/blocked",                      Draft,     users(200)),
    ("GET /api/admin/users",                        Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/admin/users/{id}",                   Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/users/{id}/suspend",          Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/users/{id}/reinstate",        Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/users/{id}/ban",              Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/admin/company-verifications",        Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/admin/company-verifications/{id}",   Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/company-verifications/{id}",  Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/audit/logs",                         Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/users/username/{name}",          Draft,     all(200)),
    ("GET /api/users/{id}",                         Draft,     all(200)),
];

/// Pitches, and how they are found.
#[rustfmt::skip]
pub const PITCHES: &[Row] = &[
    //                                                          anon view crea own  req  stra admin
    ("GET /api/pitches",                            Published, all(200)),
    ("POST /api/pitches",                           Draft,     [401, 403, 201, 201, 403, 403, 403]),
    ("GET /api/pitches/public",                     Published, all(200)),
    ("GET /api/pitches/public/{id}",                Published, all(200)),
    ("GET /api/pitches/public/{id}",                Draft,     all(404)),
    ("GET /api/pitches/{id}",                       Published, all(200)),
    ("GET /api/pitches/{id}",                       Draft,     [404, 404, 404, 200, 404, 404, 404]),
    ("PUT /api/pitches/{id}",                       Published, [401, 403, 403, 200, 403, 403, 403]),
    ("PUT /api/pitches/{id}",                       Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("PATCH /api/pitches/{id}",                     Published, [401, 403, 403, 200, 403, 403, 403]),
    ("DELETE /api/pitches/{id}",                    Published, [401, 403, 403, 200, 403, 403, 403]),
    ("DELETE /api/pitches/{id}",                    Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("POST /api/pitches/{id}/publish",              Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("POST /api/pitches/{id}/unpublish",            Published, [401, 403, 403, 200, 403, 403, 403]),
    ("POST /api/pitches/{id}/hide",                 Published, [401, 403, 403, 200, 403, 403, 403]),
    ("GET /api/pitches/{id}/versions",              Published, [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/pitches/{id}/versions/{n}",     Published, [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/pitches/featured",                   Published, all(200)),
    ("GET /api/pitches/recommended",                Published, all(200)),
    ("GET /api/pitches/following",                  Published, users(200)),
    ("GET /api/pitches/trending",                   Published, all(200)),
    ("GET /api/pitches/search",                     Published, all(200)),
    ("GET /api/pitches/search/suggestions",         Published, all(200)),
    ("GET /api/search/advanced",                    Published, all(200)),
    ("GET /api/pitches/batch",                      Published, all(200)),
    ("POST /api/pitches/batch/archive",             Published, [401, 403, 403, 200, 403, 403, 403]),
    ("POST /api/pitches/batch/delete",              Published, [401, 403, 403, 200, 403, 403, 403]),
    ("POST /api/pitches/batch/delete",              Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("POST /api/pitches/{id}/promote",              Published, [401, 403, 403, 200, 403, 403, 403]),
];

/// What people do with pitches and with each other.
#[rustfmt::skip]
pub const PEOPLE: &[Row] = &[
    //                                                          anon view crea own  req  stra admin
    ("POST /api/pitches/{id}/like",                 Published, users(201)),
    ("POST /api/pitches/{id}/like",                 Draft,     [401, 404, 404, 409, 404, 404, 404]),
    ("DELETE /api/pitches/{id}/like",               Published, users(200)),
    ("GET /api/pitches/{id}/likes",                 Published, all(200)),
    ("GET /api/pitches/{id}/likes",                 Draft,     [404, 404, 404, 200, 404, 404, 404]),
    ("GET /api/pitches/{id}/comments",              Published, all(200)),
    ("POST /api/pitches/{id}/comments",             Published, users(201)),
    ("PUT /api/pitches/{id}/comments/{cid}",        Published, [401, 403, 403, 403, 200, 403, 403]),
    ("DELETE /api/pitches/{id}/comments/{cid}",     Published, [401, 403, 403, 200, 200, 403, 200]),
    ("POST /api/pitches/{id}/report",               Published, [401, 201, 201, 403, 201, 201, 201]),
    ("POST /api/pitches/{id}/share",                Published, users(201)),
    ("GET /api/pitches/{id}/share-link",            Published, users(200)),
    ("POST /api/users/{id}/follow",                 Draft,     [401, 201, 201, 403, 201, 201, 201]),
    ("DELETE /api/users/{id}/follow",               Draft,     users(200)),
    ("GET /api/users/{id}/followers",               Draft,     all(200)),
    ("GET /api/users/{id}/following",               Draft,     all(200)),
    ("GET /api/user/followers",                     Draft,     users(200)),
    ("GET /api/user/following",                     Draft,     users(200)),
    ("GET /api/watchlist",                          Published, users(200)),
    ("POST /api/watchlist",                         Published, [401, 201, 201, 403, 201, 201, 201]),
    ("DELETE /api/watchlist/{id}",                  Published, users(200)),
    ("GET /api/admin/reports",                      Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/reports/{id}/resolve",        Published, [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/pitches/{id}/hide",           Published, [401, 403, 403, 403, 403, 403, 200]),
];

/// NDAs.
#[rustfmt::skip]
pub const NDAS: &[Row] = &[
    //                                                          anon view crea own  req  stra admin
    ("POST /api/ndas/request",                      Published, [401, 403, 403, 403, 201, 201, 403]),
    ("GET /api/ndas",                               Pending,   users(200)),
    ("GET /api/ndas/signed",                        Signed,    users(200)),
    ("GET /api/ndas/stats",                         Signed,    users(200)),
    ("GET /api/ndas/policy",                        Draft,     users(200)),
    ("PUT /api/ndas/policy",                        Draft,     [401, 403, 200, 200, 403, 403, 403]),
    ("GET /api/ndas/pitch/{id}/status",             Signed,    users(200)),
    ("GET /api/ndas/pitch/{id}/status",             Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/ndas/pitch/{id}/can-request",        Published, users(200)),
    ("GET /api/ndas/{id}",                          Pending,   [401, 404, 404, 200, 200, 404, 404]),
    ("POST /api/ndas/{id}/approve",                 Pending,   [401, 404, 404, 200, 403, 404, 404]),
    ("POST /api/ndas/{id}/reject",                  Pending,   [401, 404, 404, 200, 403, 404, 404]),
    ("POST /api/ndas/{id}/withdraw",                Pending,   [401, 404, 404, 403, 200, 404, 404]),
    ("POST /api/ndas/{id}/remind",                  Pending,   [401, 404, 404, 403, 200, 404, 404]),
    ("POST /api/ndas/{id}/sign",                    Approved,  [401, 404, 404, 403, 200, 404, 404]),
    ("POST /api/ndas/{id}/sign",                    Pending,   [401, 404, 404, 403, 409, 404, 404]),
    ("POST /api/ndas/{id}/revoke",                  Signed,    [401, 404, 404, 200, 403, 404, 200]),
    ("POST /api/ndas/{id}/revoke",                  Approved,  [401, 404, 404, 200, 403, 404, 200]),
    ("GET /api/ndas/{id}/document",                 Approved,  [401, 404, 404, 200, 200, 404, 404]),
    ("GET /api/ndas/{id}/receipt",                  Signed,    [401, 404, 404, 200, 200, 404, 404]),
    ("GET /api/ndas/{id}/verify",                   Signed,    [401, 404, 404, 200, 200, 404, 404]),
    ("POST /api/ndas/bulk-approve",                 Pending,   users(200)),
    ("POST /api/ndas/bulk-reject",                  Pending,   users(200)),
];

/// Payments.
#[rustfmt::skip]
pub const PAYMENTS: &[Row] = &[
    //                                                          anon view crea own  req  stra admin
    ("GET /api/payments/plans",                     Draft,     all(200)),
    ("GET /api/payments/packages",                  Draft,     all(200)),
    ("GET /api/payments/credits/balance",           Draft,     users(200)),
    ("GET /api/payments/credits/ledger",            Draft,     users(200)),
    ("POST /api/payments/credits/purchase",         Draft,     [401, 403, 201, 201, 201, 201, 403]),
    ("POST /api/payments/cancel-subscription",      Draft,     [401, 409, 409, 409, 409, 409, 403]),
    ("POST /api/payments/subscribe",                Draft,     [401, 201, 201, 201, 201, 201, 403]),
    ("GET /api/payments/subscription-status",       Draft,     users(200)),
    ("GET /api/payments/history",                   Draft,     users(200)),
    ("GET /api/payments/export",                    Draft,     users(200)),
    ("POST /api/payments/refund",                   Draft,     [401, 403, 403, 403, 403, 403, 404]),
    ("POST /api/webhooks/stripe",                   Draft,     all(404)),
];

/// Messages: between the requester and the stranger, who are of a kind.
#[rustfmt::skip]
pub const MESSAGES: &[Row] = &[
    //                                                          anon view crea own  req  stra admin
    ("GET /api/messages/conversations",             Draft,     users(200)),
    ("GET /api/messages/unread-count",              Draft,     users(200)),
    ("POST /api/messages/send",                     Draft,     [401, 403, 403, 403, 201, 400, 201]),
    ("POST /api/messages/{id}/read",                Draft,     [401, 404, 404, 404, 200, 200, 404]),
    ("PUT /api/messages/{id}",                      Draft,     [401, 404, 404, 404, 200, 403, 404]),
    ("DELETE /api/messages/{id}",                   Draft,     [401, 404, 404, 404, 200, 403, 404]),
    ("POST /api/conversations",                     Draft,     [401, 403, 403, 403, 200, 400, 200]),
    ("GET /api/conversations/{id}",                 Draft,     [401, 404, 404, 404, 200, 200, 404]),
    ("POST /api/conversations/{id}/messages",       Draft,     [401, 404, 404, 404, 201, 201, 404]),
    ("POST /api/conversations/{id}/read",           Draft,     [401, 404, 404, 404, 200, 200, 404]),
    ("POST /api/conversations/{id}/typing",         Draft,     [401, 404, 404, 404, 200, 200, 404]),
    ("POST /api/conversations/{id}/archive",        Draft,     [401, 404, 404, 404, 200, 200, 404]),
    ("POST /api/conversations/{id}/participants",   Draft,     [401, 404, 404, 404, 409, 409, 404]),
    ("GET /api/ws/token",                           Draft,     users(200)),
    ("GET /api/poll",                               Draft,     users(200)),
    ("GET /ws",                                     Draft,     all(400)),
];

/// Analytics.
#[rustfmt::skip]
pub const ANALYTICS: &[Row] = &[
    //                                                          anon view crea own  req  stra admin
    ("POST /api/analytics/track",                   Draft,     all(201)),
    ("POST /api/views/track",                       Published, all(201)),
    ("GET /api/analytics/user",                     Draft,     users(200)),
    ("GET /api/analytics/overview",                 Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/creator/dashboard",                  Draft,     [401, 403, 200, 200, 403, 403, 403]),
    ("GET /api/production/dashboard",               Draft,     [401, 403, 403, 403, 403, 403, 403]),
    ("GET /api/investor/dashboard",                 Draft,     [401, 403, 403, 403, 200, 200, 403]),
    ("GET /api/pitches/{id}/analytics",             Published, [401, 403, 403, 200, 403, 403, 200]),
    ("GET /api/pitches/{id}/analytics",             Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/pitches/{id}/views",                 Published, [401, 403, 403, 200, 403, 403, 200]),
    ("POST /api/export",                            Draft,     users(200)),
];

/// Files and investments.
#[rustfmt::skip]
pub const FILES: &[Row] = &[
    //                                                          anon view crea own  req  stra admin
    ("POST /api/media/upload",                      Published, [401, 403, 403, 201, 403, 403, 403]),
    ("POST /api/media/upload",                      Draft,     [401, 403, 404, 201, 403, 403, 403]),
    ("GET /api/media/{id}",                         Signed,    [404, 404, 404, 200, 200, 404, 404]),
    ("GET /api/media/{id}/file",                    Signed,    [404, 404, 404, 200, 200, 404, 404]),
    ("GET /api/media/{id}/file",                    Approved,  [404, 404, 404, 200, 404, 404, 404]),
    ("DELETE /api/media/{id}",                      Published, [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/investments",                        Draft,     users(200)),
    ("POST /api/investments/track",                 Published, [401, 403, 403, 403, 201, 201, 403]),
    ("POST /api/investments/track",                 Draft,     [401, 403, 403, 403, 404, 404, 403]),
];

/// Notifications, mail, and what the gateway answers itself.
#[rustfmt::skip]
pub const REST: &[Row] = &[
    //                                                          anon view crea own  req  stra admin
    ("GET /.well-known/pitchey-keys",               Draft,     all(200)),
    ("GET /api/notifications/list",                 Draft,     users(200)),
    ("GET /api/notifications/unread",               Draft,     users(200)),
    ("POST /api/notifications/read-all",            Draft,     users(200)),
    ("POST /api/notifications/{id}/read",           Draft,     [401, 404, 404, 404, 404, 404, 404]),
    ("GET /api/email/preferences",                  Draft,     users(200)),
    ("PUT /api/email/preferences",                  Draft,     users(200)),
    ("GET /api/email/unsubscribe/{token}",          Draft,     all(404)),
    ("POST /api/email/unsubscribe/{token}",         Draft,     all(404)),
    ("POST /api/webhooks/email",                    Draft,     all(401)),
    ("GET /dev/mails",                              Draft,     all(200)),
    ("GET /health",                                 Draft,     all(200)),
    ("GET /api/openapi.json",                       Draft,     all(200)),
    ("GET /api/docs",                               Draft,     all(308)),
    ("GET /api/config/all",                         Draft,     all(200)),
];

/// All of them.
pub const ALL: &[&[Row]] = &[ACCOUNTS, PITCHES, PEOPLE, NDAS, PAYMENTS, MESSAGES, ANALYTICS, FILES, REST];
