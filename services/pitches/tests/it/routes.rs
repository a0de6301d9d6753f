//! The contract of this service's rows of pitches, user and others: path, method, envelope, field names, and the status for success, for input that is
//! not valid, for who is not logged in, for who may not, and for what is not there.

use pitchey_events::UserType;
use pitchey_identity::Actor;
use pitchey_testkit::Answer;
use serde_json::{Value, json};

use crate::app::{App, file, id};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Nobody,
    /// A viewer, who wrote the comment and reported the pitch.
    Fan,
    Buyer,
    /// Of the pitch.
    Owner,
    /// Another creator.
    Stranger,
    Admin,
}

use Who::{Admin, Buyer, Fan, Nobody, Owner, Stranger};

/// What is expected of a route. In paths and bodies `{p}` is a published pitch, `{d}` a draft of the same owner, `{c}` a comment on the pitch, `{r}` a report
/// of it, `{u}` its owner.
struct Row {
    route: &'static str,
    by: Who,
    body: &'static str,
    ok: u16,
    /// Names that the answer has; for `data.x`, in its first row.
    names: &'static [&'static str],
    /// A body, or for GET a query, that is not valid.
    wrong: Option<&'static str>,
    /// Who may not, and what they are told.
    refused: &'static [(Who, u16)],
    /// A path to something that is not there.
    unknown: Option<&'static str>,
}

const PITCH: &[&str] = &[
    "message",
    "pitch.id",
    "pitch.userId",
    "pitch.requiresNDA",
    "pitch.requireNda",
    "pitch.views",
    "pitch.viewCount",
    "pitch.likeCount",
    "pitch.ndaCount",
    "pitch.budgetRange",
    "pitch.productionStage",
    "pitch.visibility",
    "pitch.user",
    "pitch.hasSignedNDA",
    "pitch.canRequestNDA",
    "pitch.isOwner",
    "pitch.longSynopsis",
];
const LIST: &[&str] = &[
    "data.id",
    "data.title",
    "data.user",
    "data.likeCount",
    "meta.page",
    "meta.limit",
    "meta.total",
    "meta.totalPages",
    "meta.hasNext",
    "meta.hasPrevious",
];
const USERS: &[&str] = &[
    "data.id",
    "data.username",
    "data.userType",
    "data.avatar_url",
    "data.companyName",
    "data.createdAt",
    "meta.total",
];
const ONE: &[&str] = &[
    "id",
    "userId",
    "title",
    "logline",
    "genre",
    "format",
    "status",
    "visibility",
    "createdAt",
    "publishedAt",
    "canRequestNDA.canRequest",
    "mediaFiles",
    "version",
];
const ONLY_OWNERS: &[(Who, u16)] = &[(Nobody, 401), (Fan, 403), (Buyer, 403), (Stranger, 403), (Admin, 403)];
const LOGGED_IN: &[(Who, u16)] = &[(Nobody, 401)];
const ADMINS: &[(Who, u16)] = &[(Nobody, 401), (Fan, 403), (Owner, 403)];
const SEARCH: &[&str] =
    &["pitches", "users", "total", "query", "filters", "facets.genre", "meta.page", "meta.total"];
const COMMENT: &[&str] = &[
    "message",
    "comment.id",
    "comment.pitchId",
    "comment.userId",
    "comment.content",
    "comment.createdAt",
    "comment.updatedAt",
    "comment.user",
];
const FOLLOW: &[&str] = &["message", "following"];
const NDA: &[&str] = &[
    "message",
    "nda.id",
    "nda.pitchId",
    "nda.ownerId",
    "nda.userId",
    "nda.requesterId",
    "nda.signerId",
    "nda.ndaType",
    "nda.status",
    "nda.accessGranted",
    "nda.requestMessage",
    "nda.rejectReason",
    "nda.signedAt",
    "nda.expiresAt",
    "nda.documentUrl",
    "nda.documentHash",
    "nda.pitchVersion",
    "nda.createdAt",
    "nda.updatedAt",
];
const NDAS: &[&str] =
    &["data.id", "data.status", "data.documentUrl", "data.documentHash", "meta.page", "meta.total"];
const STATS: &[&str] =
    &["total", "pending", "approved", "signed", "rejected", "expired", "revoked", "medianAnswerSeconds"];
const FILE: &[&str] =
    &["id", "pitchId", "type", "title", "public", "url", "mediaType", "size", "sha256", "createdAt"];
const INVESTMENT: &[&str] = &[
    "message",
    "investment.id",
    "investment.pitchId",
    "investment.investorId",
    "investment.amount",
    "investment.currency",
    "investment.notes",
    "investment.createdAt",
];
const SIGNED: &str = r#"{"fullName":"Ada Buyer","acceptTerms":true,"documentHash":"{hash}"}"#;
const NO_PARTIES: &[(Who, u16)] = &[(Nobody, 401), (Fan, 404), (Stranger, 404)];
const DRAFT: &str =
    r#"{"title":"A new one","logline":"Somebody finds something.","genre":"drama","format":"series"}"#;

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { route: "GET /api/pitches", by: Owner, body: "", ok: 200, names: LIST, wrong: Some("?limit=0"), refused: &[], unknown: None },
    Row { route: "GET /api/pitches", by: Nobody, body: "", ok: 200, names: LIST, wrong: Some("?genre=western"), refused: &[], unknown: None },
    Row { route: "POST /api/pitches", by: Owner, body: DRAFT, ok: 201, names: PITCH, wrong: Some(r#"{"title":"x"}"#), refused: &[(Nobody, 401), (Fan, 403), (Buyer, 403), (Admin, 403)], unknown: None },
    Row { route: "GET /api/pitches/public", by: Nobody, body: "", ok: 200, names: LIST, wrong: Some("?page=x"), refused: &[], unknown: None },
    Row { route: "GET /api/pitches/public/{p}", by: Nobody, body: "", ok: 200, names: ONE, wrong: None, refused: &[], unknown: Some("/api/pitches/public/{d}") },
    Row { route: "GET /api/pitches/{p}", by: Nobody, body: "", ok: 200, names: ONE, wrong: None, refused: &[], unknown: Some("/api/pitches/{d}") },
    Row { route: "GET /api/pitches/{p}", by: Owner, body: "", ok: 200, names: ONE, wrong: None, refused: &[], unknown: Some("/api/pitches/word") },
    Row { route: "PUT /api/pitches/{p}", by: Owner, body: r#"{"whyNow":"Because."}"#, ok: 200, names: PITCH, wrong: Some(r#"{"title":""}"#), refused: ONLY_OWNERS, unknown: Some("/api/pitches/999999") },
    Row { route: "PATCH /api/pitches/{p}", by: Owner, body: r#"{"archived":true}"#, ok: 200, names: PITCH, wrong: Some("{}"), refused: ONLY_OWNERS, unknown: Some("/api/pitches/999999") },
    Row { route: "DELETE /api/pitches/{p}", by: Owner, body: "", ok: 200, names: &["message"], wrong: None, refused: ONLY_OWNERS, unknown: Some("/api/pitches/999999") },
    Row { route: "POST /api/pitches/{d}/publish", by: Owner, body: "", ok: 200, names: PITCH, wrong: None, refused: &[(Nobody, 401), (Stranger, 404), (Admin, 404)], unknown: Some("/api/pitches/999999/publish") },
    Row { route: "POST /api/pitches/{p}/unpublish", by: Owner, body: "", ok: 200, names: PITCH, wrong: None, refused: ONLY_OWNERS, unknown: Some("/api/pitches/999999/unpublish") },
    Row { route: "POST /api/pitches/{p}/hide", by: Owner, body: "", ok: 200, names: PITCH, wrong: None, refused: ONLY_OWNERS, unknown: Some("/api/pitches/999999/hide") },
    Row { route: "POST /api/pitches/{p}/promote", by: Owner, body: "", ok: 200, names: PITCH, wrong: None, refused: ONLY_OWNERS, unknown: Some("/api/pitches/999999/promote") },
    Row { route: "GET /api/pitches/trending", by: Nobody, body: "", ok: 200, names: &["pitches", "trending_factors.weights"], wrong: Some("?limit=x"), refused: &[], unknown: None },
    Row { route: "GET /api/pitches/featured", by: Nobody, body: "", ok: 200, names: LIST, wrong: Some("?limit=x"), refused: &[], unknown: None },
    Row { route: "GET /api/pitches/recommended", by: Fan, body: "", ok: 200, names: LIST, wrong: Some("?page=0"), refused: &[], unknown: None },
    Row { route: "GET /api/pitches/following", by: Fan, body: "", ok: 200, names: &["data", "meta.total"], wrong: Some("?cursor=x"), refused: LOGGED_IN, unknown: None },
    Row { route: "GET /api/pitches/search?q=lighthouse", by: Nobody, body: "", ok: 200, names: SEARCH, wrong: Some("&sort=x"), refused: &[], unknown: None },
    Row { route: "GET /api/search/advanced?q=lighthouse", by: Buyer, body: "", ok: 200, names: SEARCH, wrong: Some("&genre=x"), refused: &[], unknown: None },
    Row { route: "GET /api/pitches/search/suggestions?q=light", by: Nobody, body: "", ok: 200, names: &["suggestions"], wrong: None, refused: &[], unknown: None },
    Row { route: "GET /api/pitches/batch?ids={p},{d}", by: Nobody, body: "", ok: 200, names: &["pitches"], wrong: Some(",x"), refused: &[], unknown: None },
    Row { route: "POST /api/pitches/batch/archive", by: Owner, body: r#"{"ids":[{p}]}"#, ok: 200, names: &["message", "updated"], wrong: Some(r#"{"ids":[]}"#), refused: ONLY_OWNERS, unknown: None },
    Row { route: "POST /api/pitches/batch/delete", by: Owner, body: r#"{"ids":[{p},{d}]}"#, ok: 200, names: &["message", "deleted"], wrong: Some(r#"{"ids":"all"}"#), refused: &[(Nobody, 401), (Stranger, 403)], unknown: None },
    Row { route: "GET /api/pitches/{p}/versions", by: Owner, body: "", ok: 200, names: &["data.number", "data.contentSha256", "meta.total"], wrong: Some("?limit=0"), refused: &[(Nobody, 401), (Stranger, 404)], unknown: Some("/api/pitches/999999/versions") },
    Row { route: "GET /api/pitches/{p}/versions/1", by: Owner, body: "", ok: 200, names: &["number", "contentSha256", "content"], wrong: None, refused: &[(Nobody, 401), (Stranger, 404)], unknown: Some("/api/pitches/{p}/versions/99") },
    Row { route: "POST /api/pitches/{p}/like", by: Fan, body: "", ok: 201, names: &["message", "liked", "likeCount"], wrong: None, refused: LOGGED_IN, unknown: Some("/api/pitches/{d}/like") },
    Row { route: "DELETE /api/pitches/{p}/like", by: Fan, body: "", ok: 200, names: &["message", "liked", "likeCount"], wrong: None, refused: LOGGED_IN, unknown: Some("/api/pitches/{d}/like") },
    Row { route: "GET /api/pitches/{p}/likes", by: Nobody, body: "", ok: 200, names: &["data", "meta.total"], wrong: Some("?limit=0"), refused: &[], unknown: Some("/api/pitches/{d}/likes") },
    Row { route: "GET /api/pitches/{p}/comments", by: Nobody, body: "", ok: 200, names: &["data.id", "data.content", "data.user", "data.userId", "meta.total"], wrong: Some("?limit=0"), refused: &[], unknown: Some("/api/pitches/{d}/comments") },
    Row { route: "POST /api/pitches/{p}/comments", by: Buyer, body: r#"{"content":"Fine."}"#, ok: 201, names: COMMENT, wrong: Some("{}"), refused: LOGGED_IN, unknown: Some("/api/pitches/{d}/comments") },
    Row { route: "PUT /api/pitches/{p}/comments/{c}", by: Fan, body: r#"{"content":"Better."}"#, ok: 200, names: COMMENT, wrong: Some(r#"{"content":" "}"#), refused: &[(Nobody, 401), (Owner, 403), (Buyer, 403)], unknown: Some("/api/pitches/{p}/comments/999999") },
    Row { route: "DELETE /api/pitches/{p}/comments/{c}", by: Fan, body: "", ok: 200, names: &["message"], wrong: None, refused: &[(Nobody, 401), (Buyer, 403)], unknown: Some("/api/pitches/{p}/comments/999999") },
    Row { route: "POST /api/pitches/{p}/report", by: Buyer, body: r#"{"reason":"spam","description":"Again."}"#, ok: 201, names: &["message", "report.id", "report.status"], wrong: Some(r#"{"reason":"dislike"}"#), refused: &[(Nobody, 401), (Owner, 403)], unknown: Some("/api/pitches/{d}/report") },
    Row { route: "POST /api/pitches/{p}/share", by: Fan, body: r#"{"platform":"email"}"#, ok: 201, names: &["message", "shareUrl", "expiresAt"], wrong: Some(r#"{"platform":7}"#), refused: LOGGED_IN, unknown: Some("/api/pitches/{d}/share") },
    Row { route: "GET /api/pitches/{p}/share-link", by: Fan, body: "", ok: 200, names: &["shareUrl", "opens", "expiresAt"], wrong: None, refused: LOGGED_IN, unknown: Some("/api/pitches/{d}/share-link") },
    Row { route: "POST /api/users/{u}/follow", by: Fan, body: "", ok: 201, names: FOLLOW, wrong: None, refused: &[(Nobody, 401), (Owner, 403)], unknown: Some("/api/users/999999/follow") },
    Row { route: "DELETE /api/users/{u}/follow", by: Fan, body: "", ok: 200, names: FOLLOW, wrong: None, refused: LOGGED_IN, unknown: Some("/api/users/word/follow") },
    Row { route: "GET /api/users/{u}/followers", by: Nobody, body: "", ok: 200, names: USERS, wrong: Some("?limit=0"), refused: &[], unknown: Some("/api/users/999999/followers") },
    Row { route: "GET /api/users/{u}/following", by: Nobody, body: "", ok: 200, names: &["data", "meta.total"], wrong: Some("?page=x"), refused: &[], unknown: Some("/api/users/999999/following") },
    Row { route: "GET /api/user/followers", by: Owner, body: "", ok: 200, names: USERS, wrong: Some("?limit=0"), refused: LOGGED_IN, unknown: None },
    Row { route: "GET /api/user/following", by: Buyer, body: "", ok: 200, names: USERS, wrong: Some("?limit=0"), refused: LOGGED_IN, unknown: None },
    Row { route: "GET /api/watchlist", by: Buyer, body: "", ok: 200, names: LIST, wrong: Some("?limit=0"), refused: LOGGED_IN, unknown: None },
    Row { route: "POST /api/watchlist", by: Fan, body: r#"{"pitchId":{p}}"#, ok: 201, names: FOLLOW, wrong: Some(r#"{"pitchId":"one"}"#), refused: &[(Nobody, 401), (Owner, 403)], unknown: None },
    Row { route: "DELETE /api/watchlist/{p}", by: Buyer, body: "", ok: 200, names: FOLLOW, wrong: None, refused: LOGGED_IN, unknown: Some("/api/watchlist/word") },
    Row { route: "GET /api/admin/reports", by: Admin, body: "", ok: 200, names: &["data.id", "data.reason", "data.pitchTitle", "data.reporter", "meta.total"], wrong: Some("?status=x"), refused: ADMINS, unknown: None },
    Row { route: "POST /api/admin/reports/{r}/resolve", by: Admin, body: r#"{"outcome":"dismissed"}"#, ok: 200, names: &["message", "report.status"], wrong: Some("{}"), refused: ADMINS, unknown: Some("/api/admin/reports/999999/resolve") },
    Row { route: "POST /api/admin/pitches/{p}/hide", by: Admin, body: r#"{"reason":"Stolen."}"#, ok: 200, names: &["message", "pitch.status"], wrong: Some("{}"), refused: ADMINS, unknown: Some("/api/admin/pitches/999999/hide") },

    Row { route: "POST /api/ndas/request", by: Buyer, body: r#"{"pitchId":{p},"message":"Please."}"#, ok: 201, names: NDA, wrong: Some(r#"{"pitchId":"one"}"#), refused: &[(Nobody, 401), (Fan, 403), (Stranger, 403), (Owner, 403), (Admin, 403)], unknown: None },
    Row { route: "GET /api/ndas?of={n}", by: Buyer, body: "", ok: 200, names: NDAS, wrong: Some("&role=both"), refused: LOGGED_IN, unknown: None },
    Row { route: "GET /api/ndas?role=incoming&status=pending&of={n}", by: Owner, body: "", ok: 200, names: NDAS, wrong: Some("&limit=0"), refused: LOGGED_IN, unknown: None },
    Row { route: "GET /api/ndas/signed?of={s}", by: Buyer, body: "", ok: 200, names: NDAS, wrong: Some("&limit=0"), refused: LOGGED_IN, unknown: None },
    Row { route: "GET /api/ndas/stats", by: Owner, body: "", ok: 200, names: STATS, wrong: Some("?role=x"), refused: LOGGED_IN, unknown: None },
    Row { route: "GET /api/ndas/policy", by: Owner, body: "", ok: 200, names: &["policy"], wrong: None, refused: LOGGED_IN, unknown: None },
    Row { route: "PUT /api/ndas/policy", by: Owner, body: r#"{"policy":"never"}"#, ok: 200, names: &["message", "policy"], wrong: Some(r#"{"policy":"x"}"#), refused: &[(Nobody, 401), (Fan, 403), (Buyer, 403)], unknown: None },
    Row { route: "GET /api/ndas/pitch/{p}/status", by: Buyer, body: "", ok: 200, names: &["hasNDA", "nda", "canAccess"], wrong: None, refused: LOGGED_IN, unknown: Some("/api/ndas/pitch/{d}/status") },
    Row { route: "GET /api/ndas/pitch/{p}/can-request", by: Buyer, body: "", ok: 200, names: &["canRequest", "reason", "code"], wrong: None, refused: LOGGED_IN, unknown: Some("/api/ndas/pitch/{d}/can-request") },
    Row { route: "GET /api/ndas/{n}", by: Owner, body: "", ok: 200, names: &["id", "status", "requestMessage", "pitchVersion"], wrong: None, refused: NO_PARTIES, unknown: Some("/api/ndas/999999") },
    Row { route: "POST /api/ndas/{n}/approve", by: Owner, body: r#"{"expiryDays":30}"#, ok: 200, names: NDA, wrong: Some(r#"{"expiryDays":6}"#), refused: &[(Nobody, 401), (Fan, 404), (Stranger, 404), (Buyer, 403), (Admin, 404)], unknown: Some("/api/ndas/999999/approve") },
    Row { route: "POST /api/ndas/{n}/reject", by: Owner, body: r#"{"reason":"No."}"#, ok: 200, names: NDA, wrong: Some(r#"{"reason":7}"#), refused: &[(Nobody, 401), (Fan, 404), (Stranger, 404), (Buyer, 403)], unknown: Some("/api/ndas/999999/reject") },
    Row { route: "POST /api/ndas/{n}/withdraw", by: Buyer, body: "", ok: 200, names: NDA, wrong: None, refused: &[(Nobody, 401), (Fan, 404), (Owner, 403)], unknown: Some("/api/ndas/999999/withdraw") },
    Row { route: "POST /api/ndas/{n}/remind", by: Buyer, body: "", ok: 200, names: NDA, wrong: None, refused: &[(Nobody, 401), (Fan, 404), (Owner, 403)], unknown: Some("/api/ndas/999999/remind") },
    Row { route: "POST /api/ndas/{o}/sign", by: Buyer, body: SIGNED, ok: 200, names: NDA, wrong: Some(r#"{"fullName":""}"#), refused: &[(Nobody, 401), (Fan, 404), (Owner, 403)], unknown: Some("/api/ndas/999999/sign") },
    Row { route: "POST /api/ndas/{s}/revoke", by: Owner, body: r#"{"reason":"Sold."}"#, ok: 200, names: NDA, wrong: Some("{}"), refused: &[(Nobody, 401), (Fan, 404), (Stranger, 404), (Buyer, 403)], unknown: Some("/api/ndas/999999/revoke") },
    Row { route: "POST /api/ndas/{s}/revoke", by: Admin, body: r#"{"reason":"A court order."}"#, ok: 200, names: NDA, wrong: Some("{}"), refused: LOGGED_IN, unknown: Some("/api/ndas/999999/revoke") },
    Row { route: "GET /api/ndas/{o}/document", by: Buyer, body: "", ok: 200, names: &[], wrong: Some("?copy=other"), refused: NO_PARTIES, unknown: Some("/api/ndas/{n}/document") },
    Row { route: "GET /api/ndas/{s}/document?copy=signed", by: Owner, body: "", ok: 200, names: &[], wrong: None, refused: NO_PARTIES, unknown: Some("/api/ndas/{o}/document?copy=signed") },
    Row { route: "GET /api/ndas/{s}/receipt", by: Buyer, body: "", ok: 200, names: &["statement.documentSha256", "statement.signedCopySha256", "algorithm", "keyId", "publicKey", "signature"], wrong: None, refused: NO_PARTIES, unknown: Some("/api/ndas/{n}/receipt") },
    Row { route: "GET /api/ndas/{s}/verify", by: Owner, body: "", ok: 200, names: &["valid", "signatureValid", "documentValid", "status", "keyId"], wrong: None, refused: NO_PARTIES, unknown: Some("/api/ndas/{n}/verify") },
    Row { route: "POST /api/ndas/bulk-approve", by: Owner, body: r#"{"ndaIds":[{n}]}"#, ok: 200, names: &["message", "updated", "ndas", "failed"], wrong: Some(r#"{"ndaIds":[]}"#), refused: LOGGED_IN, unknown: None },
    Row { route: "POST /api/ndas/bulk-reject", by: Owner, body: r#"{"ndaIds":[{n}],"reason":"No."}"#, ok: 200, names: &["message", "updated", "ndas", "failed"], wrong: Some("{}"), refused: LOGGED_IN, unknown: None },
    Row { route: "GET /api/media/{m}", by: Owner, body: "", ok: 200, names: FILE, wrong: None, refused: &[(Nobody, 404), (Fan, 404), (Buyer, 404), (Admin, 404)], unknown: Some("/api/media/999999") },
    Row { route: "GET /api/media/{m}/file", by: Owner, body: "", ok: 200, names: &[], wrong: None, refused: &[(Nobody, 404), (Fan, 404), (Buyer, 404), (Admin, 404)], unknown: Some("/api/media/word/file") },
    Row { route: "DELETE /api/media/{m}", by: Owner, body: "", ok: 200, names: &["message"], wrong: None, refused: &[(Nobody, 401), (Fan, 404), (Stranger, 404), (Admin, 404)], unknown: Some("/api/media/999999") },
    Row { route: "GET /api/investments", by: Buyer, body: "", ok: 200, names: &["data", "meta.page", "meta.total"], wrong: Some("?limit=0"), refused: LOGGED_IN, unknown: None },
    Row { route: "POST /api/investments/track", by: Buyer, body: r#"{"pitchId":{p},"amount":19.99,"notes":"First."}"#, ok: 201, names: INVESTMENT, wrong: Some(r#"{"pitchId":{p},"amount":0}"#), refused: &[(Nobody, 401), (Fan, 403), (Owner, 403), (Admin, 403)], unknown: None },
    Row { route: "GET /.well-known/pitchey-keys", by: Nobody, body: "", ok: 200, names: &["keys.keyId", "keys.algorithm", "keys.publicKey", "keys.current"], wrong: None, refused: &[], unknown: None },
];

struct World {
    app: App,
    owner: Actor,
    fan: Actor,
    buyer: Actor,
    stranger: Actor,
    admin: Actor,
}

impl World {
    async fn new() -> Self {
        let app = App::start().await;
        let (owner, stranger) = (app.creator().await, app.creator().await);
        let (fan, buyer) = (app.person(UserType::Viewer, |_| {}).await, app.investor().await);
        let admin = app.operator().await;
        app.post(&format!("/api/users/{}/follow", owner.id), &buyer, json!({})).await.expect(201);
        Self { app, owner, fan, buyer, stranger, admin }
    }

    fn who(&self, who: Who) -> Option<&Actor> {
        match who {
            Nobody => None,
            Fan => Some(&self.fan),
            Buyer => Some(&self.buyer),
            Owner => Some(&self.owner),
            Stranger => Some(&self.stranger),
            Admin => Some(&self.admin),
        }
    }

    /// Puts new things in the place of their names: of those that take longer to make, what `row` needs.
    async fn things(&self, row: &Row) -> impl Fn(&str) -> String + use<> {
        let app = &self.app;
        let (pitch, draft) = (app.published(&self.owner).await, app.pitch_with(&self.owner, json!({})).await);
        let of = |what: &str| format!("/api/pitches/{pitch}/{what}");
        let comment = app.post(&of("comments"), &self.fan, json!({ "content": "Fine." })).await.expect(201);
        let report = app.post(&of("report"), &self.fan, json!({ "reason": "other" })).await.expect(201);
        app.post("/api/watchlist", &self.buyer, json!({ "pitchId": pitch })).await.expect(201);
        let texts = [row.route, row.body, row.unknown.unwrap_or_default()].concat();
        let of_buyers = ["{n}", "{o}", "{s}"].map(|name| texts.contains(name));
        let mut ndas = [0; 3];
        for (number, nda) in ndas.iter_mut().enumerate().filter(|(number, _)| of_buyers[*number]) {
            let own_pitch = app.published(&self.owner).await;
            *nda = match number {
                0 => app.requested(own_pitch, &self.buyer).await,
                1 => app.approved(own_pitch, &self.owner, &self.buyer).await,
                _ => app.signed(own_pitch, &self.owner, &self.buyer).await,
            };
        }
        // Nobody may ask more than ten times a day.
        app.db.execute("UPDATE ndas SET created_at = created_at - interval '2 days' WHERE created_at > now() - interval '1 day'").await;
        let hash = match ndas[1] {
            0 => String::new(),
            nda => app.text(&format!("SELECT document_hash FROM ndas WHERE id = {nda}")).await,
        };
        let media = if texts.contains("{m}") {
            id(&app.upload(&self.owner, pitch, "script", &file("pdf", 500, 1)).await.expect(201)["file"])
        } else {
            0
        };
        let names = [
            ("{n}", ndas[0]),
            ("{o}", ndas[1]),
            ("{s}", ndas[2]),
            ("{m}", media),
            ("{p}", pitch),
            ("{d}", draft),
            ("{c}", id(&comment["comment"])),
            ("{r}", id(&report["report"])),
            ("{u}", self.owner.id.0.into()),
        ];
        move |text| {
            let text = text.replace("{hash}", &hash);
            names.iter().fold(text, |text, (name, id)| text.replace(name, &id.to_string()))
        }
    }

    async fn ask(&self, method: &str, path: &str, who: Who, body: &str) -> Answer {
        let mut request = self.app.client.request(method.parse().unwrap(), path);
        if let Some(actor) = self.who(who) {
            request = request.as_(actor);
        }
        if method != "GET" {
            // A POST without anything to say comes with the header and no body.
            request = request.body("application/json", body);
        }
        request.send().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_as_the_contract_says() {
    let world = World::new().await;
    let mut wrong: Vec<String> = Vec::new();
    for row in TABLE {
        let (method, template) = row.route.split_once(' ').unwrap();
        let fill = world.things(row).await;
        let (path, body) = (fill(template), fill(row.body));
        let mut expect = |what: &str, answer: &Answer, status: u16| {
            if answer.status != status {
                wrong.push(format!("{} {what}: {status} expected: {answer}", row.route));
            } else if status >= 400 {
                wrong.extend(
                    envelope(answer).map(|name| format!("{} {what}: no {name}: {answer}", row.route)),
                );
            }
        };
        for (who, status) in row.refused {
            expect(&format!("by {who:?}"), &world.ask(method, &path, *who, &body).await, *status);
        }
        if let Some(text) = row.wrong {
            let (path, body) = if method == "GET" {
                (format!("{path}{text}"), String::new())
            } else {
                (path.clone(), fill(text))
            };
            let answer = world.ask(method, &path, row.by, &body).await;
            expect("not valid", &answer, 400);
        }
        if let Some(unknown) = row.unknown {
            let by = if row.by == Owner && unknown.contains("{d}") { Stranger } else { row.by };
            expect("not there", &world.ask(method, &fill(unknown), by, &body).await, 404);
        }
        let answer = world.ask(method, &path, row.by, &body).await;
        expect("done", &answer, row.ok);
        let missing = row.names.iter().filter(|name| find(&answer.json, name).is_none());
        wrong.extend(missing.map(|name| format!("{} has no {name}: {answer}", row.route)));
    }
    assert!(wrong.is_empty(), "{} answers:\n{}", wrong.len(), wrong.join("\n"));
}

/// What the envelope of an error lacks.
fn envelope(answer: &Answer) -> impl Iterator<Item = &'static str> {
    let names =
        ["error", "message", "code", "status", "timestamp", "details", "validation_errors", "requestId"];
    let fields = answer.json["validation_errors"].as_array().map_or(0, Vec::len);
    let unnamed = answer.status == 400 && fields == 0;
    let answer = answer.json.clone();
    let lacks = names.into_iter().filter(move |name| answer.get(name).is_none());
    lacks.chain(unnamed.then_some("field that is wrong"))
}

/// The value at a path of names; a list stands for its first row.
fn find<'a>(json: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(json, |at, name| {
        let at = at.as_array().map_or(Some(at), |rows| rows.first())?;
        at.get(name)
    })
}

/// Clients send a POST up to four times. Without a key, whatever has a natural one happens once all the same; a comment has none, and needs the key that
/// the gateway makes.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_post_sent_four_times_leaves_one_effect() {
    let world = World::new().await;
    let app = &world.app;
    let counts = "SELECT (SELECT count(*) FROM pitches) * 1000000 + (SELECT count(*) FROM follows) * 10000 + (SELECT count(*) FROM pitch_likes) * 1000
                  + (SELECT count(*) FROM ndas) * 100000000 + (SELECT count(*) FROM investments) * 1000000000
                  + (SELECT count(*) FROM audit_log WHERE action LIKE 'nda.%') * 10000000000 + (SELECT count(*) FROM pitch_comments) * 100 + (SELECT count(*) FROM content_reports) * 10 + (SELECT count(*) FROM pitch_share_links)";
    for row in TABLE.iter().filter(|row| row.route.starts_with("POST")) {
        let template = row.route.split_once(' ').unwrap().1;
        let fill = world.things(row).await;
        let (path, body) = (fill(template), fill(row.body));
        let created = ["/api/pitches", "/comments", "/track"].iter().any(|end| path.ends_with(end));
        let mut first = None;
        for again in [false, true, true, true] {
            let mut request = app.client.post(&path).as_(world.who(row.by).unwrap());
            if created || path.contains("/batch/") {
                request = request.header("idempotency-key", &path);
            }
            let answer = request.body("application/json", body.clone()).send().await;
            assert!(answer.status == row.ok || (again && answer.status == 200), "{}: {answer}", row.route);
            let there = app.number(counts).await;
            assert_eq!(*first.get_or_insert(there), there, "{} left more the next time", row.route);
        }
    }
}
