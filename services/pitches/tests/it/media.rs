use futures_util::future::join_all;
use pitchey_events::{MediaAdded, PitchChanged, PitchPublished};
use pitchey_identity::Actor;
use pitchey_pitches::CreditsMode;
use pitchey_testkit::size;
use serde_json::{Value, json};

use crate::app::{App, file, form, id};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_part_of_the_pitch_and_of_its_history() {
    let app = App::start_with(|_| {}).await;
    app.emitted.ignore::<PitchPublished>();
    app.emitted.ignore::<PitchChanged>();
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let deck = file("pdf", 5_000, 1);
    let fields =
        [("pitchId", pitch.to_string()), ("type", "pitch_deck".into()), ("title", " The deck ".into())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let added = app.send_form(&owner, &fields, Some(&deck)).await.expect(201);
    let media = &added["file"];
    for (field, expected) in [
        ("pitchId", json!(pitch)),
        ("type", json!("pitch_deck")),
        ("title", json!("The deck")),
        ("public", json!(false)),
        ("mediaType", json!("application/pdf")),
        ("size", json!(5_000)),
    ] {
        assert_eq!(media[field], expected, "{field}: {added}");
    }
    let told = app.emitted.take::<MediaAdded>().await;
    assert_eq!((i64::from(told.media_id.0), told.kind.as_str(), told.hold), (id(media), "pitch_deck", None));

    let seen = app.get(&format!("/api/pitches/{pitch}"), &owner).await.ok();
    assert_eq!(seen["mediaFiles"][0]["sha256"], media["sha256"]);
    assert!(
        seen["pitchDeckUrl"]
            .as_str()
            .unwrap()
            .starts_with(&format!("/api/media/{}/file?token=", media["id"]))
    );
    let version = app.get(&format!("/api/pitches/{pitch}/versions/2"), &owner).await.ok();
    assert!(
        version.to_string().contains(media["sha256"].as_str().unwrap()),
        "its hash is covered: {version}"
    );
    assert_eq!(app.actions("media", id(media)).await, ["media.added"]);

    // The same again is the one that is there.
    for _ in 0..3 {
        let again = app.upload(&owner, pitch, "pitch_deck", &deck).await.expect(200);
        assert_eq!(again["file"]["id"], media["id"]);
    }
    assert_eq!(app.number("SELECT count(*) FROM media_files").await, 1);
    assert_eq!(stored(&app), 1, "what was sent in vain is not kept");

    app.delete(&format!("/api/media/{}", media["id"]), &owner).await.expect(200);
    app.delete(&format!("/api/media/{}", media["id"]), &owner).await.refused(404, "not_found");
    let seen = app.get(&format!("/api/pitches/{pitch}"), &owner).await.ok();
    assert_eq!((&seen["mediaFiles"], &seen["pitchDeckUrl"]), (&json!([]), &Value::Null));
    assert_eq!(app.text(&format!("SELECT media_files FROM pitches WHERE id = {pitch}")).await, "");
}

/// Files that lie in the folder.
fn stored(app: &App) -> usize {
    std::fs::read_dir(app.folder.path().join("media")).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_is_its_content_says() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    for (kind, content, status) in [
        ("poster", "png", 201),
        ("poster", "jpeg", 201),
        ("poster", "pdf", 415),
        ("poster", "html", 415),
        ("pitch_deck", "png", 415),
        ("lookbook", "png", 201),
        ("script", "mp4", 415),
        ("script", "pdf", 201),
        ("video", "mp4", 201),
        ("trailer", "mp4", 201),
        ("video", "html", 415),
        ("custom_nda", "png", 415),
        ("custom_nda", "pdf", 201),
    ] {
        let answer = app.upload(&owner, pitch, kind, &file(content, 2_000, 7)).await;
        assert_eq!(answer.status, status, "{kind} from {content}: {answer}");
        if status == 415 {
            answer.refused(415, "media_type_not_allowed");
        }
    }
    // Whatever the client says of it.
    let answer = app.upload(&owner, pitch, "poster", b"just words").await;
    assert_eq!(answer.refused(415, "media_type_not_allowed")["details"]["found"], "of no known type");
    assert_eq!(std::fs::read_dir(app.folder.path().join("spool")).unwrap().count(), 0, "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_form_is_named() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await.to_string();
    let png = file("png", 100, 1);
    let long = "t".repeat(201);
    let ok = [("type", "video"), ("pitchId", &pitch)];
    for (fields, content, wrong) in [
        (vec![("pitchId", pitch.as_str())], Some(&png), "type"),
        (vec![("type", "song"), ("pitchId", &pitch)], Some(&png), "type"),
        (vec![("type", "poster")], Some(&png), "pitchId"),
        (vec![("type", "poster"), ("pitchId", "x")], Some(&png), "pitchId"),
        (vec![("type", "poster"), ("pitchId", &pitch)], None, "file"),
        (vec![("type", "poster"), ("pitchId", &pitch)], Some(&Vec::new()), "file"),
        (vec![("type", "poster"), ("pitchId", &pitch), ("title", &long)], Some(&png), "title"),
        (vec![("type", "poster"), ("pitchId", &pitch), ("public", "maybe")], Some(&png), "public"),
        (vec![("type", "poster"), ("pitchId", &pitch), ("url", "https://vimeo.com/1")], None, "url"),
        (vec![ok[0], ok[1], ("url", "http://vimeo.com/1")], None, "url"),
        (vec![ok[0], ok[1], ("url", "https://vimeo.com/1")], Some(&file("mp4", 100, 1)), "url"),
    ] {
        let answer = app.send_form(&owner, &fields, content.map(Vec::as_slice)).await;
        let answer = answer.refused(400, "validation_failed");
        assert_eq!(answer["validation_errors"][0]["field"], wrong, "{fields:?}: {answer}");
    }
    let send = |media_type: &'static str, body: Vec<u8>| {
        app.client.post("/api/media/upload").as_(&owner).body(media_type, body).send()
    };
    send("application/json", b"{}".to_vec()).await.refused(415, "unsupported_media_type");
    send("multipart/form-data", b"x".to_vec()).await.refused(400, "validation_failed");
    let whole = form(&ok, Some(&png)).1;
    send("multipart/form-data; boundary=edge", whole[..whole.len() - 30].to_vec())
        .await
        .refused(408, "request_incomplete");
    assert_eq!(app.number("SELECT count(*) FROM media_files").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_adds_and_takes_away() {
    let app = App::start().await;
    let (owner, other, buyer) = (app.creator().await, app.creator().await, app.investor().await);
    let (published, draft) = (app.published(&owner).await, app.pitch_with(&owner, json!({})).await);
    let png = file("png", 100, 1);
    for (pitch, actor, status, code) in [
        (published, &other, 403, "forbidden"),
        (draft, &other, 404, "not_found"),
        (999_999, &owner, 404, "not_found"),
        (published, &buyer, 403, "forbidden"),
    ] {
        app.upload(actor, pitch, "poster", &png).await.refused(status, code);
    }
    let (media_type, body) = form(&[("type", "poster"), ("pitchId", &published.to_string())], Some(&png));
    app.client.post("/api/media/upload").body(&media_type, body).send().await.refused(401, "unauthenticated");
    let suspended = Actor { suspended: true, ..owner.clone() };
    app.upload(&suspended, published, "poster", &png).await.refused(403, "account_suspended");

    let media = id(&app.upload(&owner, published, "poster", &png).await.expect(201)["file"]);
    for actor in [&other, &buyer] {
        app.delete(&format!("/api/media/{media}"), actor).await.refused(404, "not_found");
    }
    app.delete(&format!("/api/media/{media}"), &suspended).await.refused(403, "account_suspended");
    app.delete("/api/media/999999", &owner).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_logged_out_while_uploading_adds_nothing() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let session = app.others.known().sessions.remove(&owner.session_id.to_string()).unwrap();
    let png = file("png", 100, 1);
    app.upload(&owner, pitch, "poster", &png).await.refused(401, "unauthenticated");
    let suspended = Actor { suspended: true, ..session.actor.clone() };
    let suspended = pitchey_rpc::Session { actor: suspended, ..session.clone() };
    app.others.known().sessions.insert(owner.session_id.to_string(), suspended);
    app.upload(&owner, pitch, "poster", &png).await.refused(403, "account_suspended");
    app.others.known().away = true;
    app.upload(&owner, pitch, "poster", &png).await.refused(503, "dependency_unavailable");
    app.others.known().away = false;
    app.others.known().sessions.insert(owner.session_id.to_string(), session);
    app.upload(&owner, pitch, "poster", &png).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_too_long_is_refused_and_gone() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let long = file("png", 10_000_001, 1);
    app.upload(&owner, pitch, "poster", &long).await.refused(413, "payload_too_large");
    // Also where its kind comes last.
    let pitch_id = pitch.to_string();
    let (media_type, mut body) = form(&[("pitchId", &pitch_id)], Some(&long));
    body.truncate(body.len() - "--edge--\r\n".len());
    body.extend_from_slice(&form(&[("type", "poster")], None).1);
    let late = app.client.post("/api/media/upload").as_(&owner).body(&media_type, body);
    late.send().await.refused(413, "payload_too_large");
    assert_eq!(std::fs::read_dir(app.folder.path().join("spool")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_gives_the_same_answer() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let send = async |bytes: &[u8]| {
        let fields = [("type", "poster"), ("pitchId", &pitch.to_string())];
        let (media_type, body) = form(&fields, Some(bytes));
        let request = app.client.post("/api/media/upload").as_(&owner).header("idempotency-key", "k1");
        request.body(&media_type, body).send().await
    };
    let png = file("png", 100, 1);
    let first = send(&png).await.expect(201);
    let again = send(&png).await.expect(201);
    assert_eq!((&again.json, again.header("idempotency-replayed")), (&first.json, Some("true")));
    send(&file("png", 100, 2)).await.refused(409, "idempotency_key_reused");
    assert_eq!((app.number("SELECT count(*) FROM media_files").await, stored(&app)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn four_of_the_same_at_once_are_one() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let png = file("png", 100_000, 1);
    let answers = join_all((0..4).map(|_| app.upload(&owner, pitch, "poster", &png))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201]);
    assert_eq!((app.number("SELECT count(*) FROM media_files").await, stored(&app)), (1, 1));
    let versions = format!("SELECT count(*) FROM pitch_versions WHERE pitch_id = {pitch}");
    assert_eq!(app.number(&versions).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pitch_has_so_many_files() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    app.db
        .execute(&format!(
            "INSERT INTO media_files (pitch_id, owner_id, kind, title, link)
             SELECT {pitch}, {}, 'video', 'v', 'https://a.b/' || n FROM generate_series(1, 50) AS n",
            owner.id
        ))
        .await;
    let refused =
        app.upload(&owner, pitch, "poster", &file("png", 100, 1)).await.refused(409, "media_limit_reached");
    assert_eq!(refused["details"]["limit"], 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_cost_what_the_price_list_says() {
    let app = App::start_with(|settings| settings.credits = CreditsMode::Payments).await;
    app.emitted.ignore::<PitchPublished>();
    app.emitted.ignore::<PitchChanged>();
    let owner = app.creator().await;
    app.others.known().balances.insert(owner.id.0, 100);
    let pitch = app.published(&owner).await;
    app.others.known().balances.insert(owner.id.0, 15);
    let mut left = 15;
    for (kind, content, seed, cost) in [
        ("poster", "png", 1, 0),
        ("poster", "png", 2, 1),
        ("script", "pdf", 1, 3),
        ("pitch_deck", "pdf", 1, 5),
        ("lookbook", "png", 1, 5),
        ("custom_nda", "pdf", 1, 0),
        ("video", "mp4", 1, 1),
    ] {
        app.upload(&owner, pitch, kind, &file(content, 500, seed)).await.expect(201);
        left -= cost;
        assert_eq!(app.others.known().balances[&owner.id.0], left, "{kind}");
        let told = app.emitted.take::<MediaAdded>().await;
        assert_eq!(told.hold.is_some(), cost > 0, "{kind}");
    }
    // A repetition costs nothing; what can't be paid is not added.
    app.upload(&owner, pitch, "script", &file("pdf", 500, 1)).await.expect(200);
    let refused = app.upload(&owner, pitch, "script", &file("pdf", 500, 2)).await;
    assert_eq!(refused.refused(402, "not_enough_credits")["details"], json!({ "balance": 0, "required": 3 }));
    let link = [("type", "trailer"), ("pitchId", &pitch.to_string()), ("url", "https://vimeo.com/1")];
    app.send_form(&owner, &link, None).await.refused(402, "not_enough_credits");
    app.others.known().balances.insert(owner.id.0, 1);
    let added = app.send_form(&owner, &link, None).await.expect(201);
    assert_eq!(
        (&added["file"]["url"], &added["file"]["size"]),
        (&json!("https://vimeo.com/1"), &Value::Null)
    );
    app.emitted.take::<MediaAdded>().await;
    app.get(&format!("/api/media/{}/file", added["file"]["id"]), &owner).await.refused(404, "not_found");
    assert_eq!(stored(&app), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_wait_for_a_place_and_decisions_do_not_wait_for_uploads() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let app = App::start_with(|settings| settings.media.uploads_at_once = 2).await;
    for _ in 0..2 {
        app.emitted.ignore::<PitchPublished>();
    }
    app.emitted.ignore::<PitchChanged>();
    app.emitted.ignore::<pitchey_events::NdaRequested>();
    app.emitted.ignore::<pitchey_events::NdaApproved>();
    app.emitted.ignore::<MediaAdded>();
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    // Two that never end take all places.
    let mut slow = Vec::new();
    for _ in 0..2 {
        let (media_type, body) =
            form(&[("type", "poster"), ("pitchId", &pitch.to_string())], Some(&file("png", 1_000, 1)));
        let signed = app.client.post("/api/media/upload").as_(&owner).signature();
        let mut socket = tokio::net::TcpStream::connect(app.service.http_address()).await.unwrap();
        let head = format!(
            "POST /api/media/upload HTTP/1.1\r\nhost: x\r\ncontent-type: {media_type}\r\n{}: {signed}\r\ncontent-length: {}\r\n\r\n",
            pitchey_identity::HEADER,
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&body[..body.len() - 4]).await.unwrap();
        slow.push(socket);
    }
    let spool = app.folder.path().join("spool");
    pitchey_testkit::wait_until("both to arrive", std::time::Duration::from_secs(5), async || {
        std::fs::read_dir(&spool).unwrap().count() == 2
    })
    .await;
    let refused =
        app.upload(&owner, pitch, "poster", &file("png", 1_000, 2)).await.refused(503, "uploads_busy");
    assert_eq!(refused.header("retry-after"), Some("5"));
    app.approved(pitch, &owner, &buyer).await;

    // One ends: there is a place.
    let mut first = slow.remove(0);
    first.write_all(b"--\r\n").await.unwrap();
    let mut answer = [0; 12];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 201");
    app.upload(&owner, pitch, "poster", &file("png", 1_000, 2)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_nothing_is_cleared_away_by_one_replica() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    app.upload(&owner, pitch, "poster", &file("png", 100, 1)).await.expect(201);
    let gone = id(&app.upload(&owner, pitch, "poster", &file("png", 100, 2)).await.expect(201)["file"]);
    app.delete(&format!("/api/media/{gone}"), &owner).await.expect(200);
    app.pass(chrono::TimeDelta::hours(1));
    assert_eq!(app.service.tidy().await.unwrap(), Some(0), "it may belong to an upload");
    assert_eq!(stored(&app), 2);
    app.pass(chrono::TimeDelta::days(2));
    let (second, _) = app.replica().await;
    // Each has tidied when it started, too, so either may find the period taken.
    let (one, two) = tokio::join!(app.service.tidy(), second.tidy());
    assert!([one.unwrap(), two.unwrap()].contains(&None));
    let tidied = async || stored(&app) == 1;
    pitchey_testkit::wait_until("one to have tidied", std::time::Duration::from_secs(10), tidied).await;
    let runs = "SELECT count(*) FROM maintenance_runs WHERE job = 'orphan_files' AND rows_affected = 1";
    let counted = async || app.number(runs).await == 1;
    pitchey_testkit::wait_until("it to be noted", std::time::Duration::from_secs(10), counted).await;

    // A deleted pitch leaves nothing but what NDAs name.
    app.delete(&format!("/api/pitches/{pitch}"), &owner).await.expect(200);
    assert_eq!(app.number("SELECT count(*) FROM media_files").await, 0);
    app.pass(chrono::TimeDelta::days(1));
    assert_eq!((app.service.tidy().await.unwrap(), stored(&app)), (Some(1), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_left_is_cleared_away_at_the_next_start() {
    let app = App::start().await;
    let spool = app.folder.path().join("spool");
    for (name, hours) in [("old", 25), ("young", 1)] {
        let file = std::fs::File::create(spool.join(name)).unwrap();
        let written = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 3_600);
        file.set_modified(written).unwrap();
    }
    app.replica().await;
    assert!(!spool.join("old").exists() && spool.join("young").exists());
}

mod proofs {
    use super::*;

    /// Bytes of memory that are this process's own.
    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// `length` bytes in pieces, never all of them.
    fn streamed(kind: &str, fields: &[(&str, &str)], length: usize, seed: u8) -> (u64, reqwest::Body) {
        let (head, tail) = {
            let (_, body) = form(fields, Some(b""));
            let at = body.len() - "\r\n--edge--\r\n".len();
            (body[..at].to_vec(), body[at..].to_vec())
        };
        let beginning = file(kind, 1_000, seed);
        let total = head.len() + length + tail.len();
        let rest = length - beginning.len();
        let piece = vec![seed; 64 * 1024];
        let middle = (0..rest.div_ceil(piece.len())).map(move |number| {
            let left = rest - number * piece.len();
            Ok::<_, std::io::Error>(piece[..left.min(piece.len())].to_vec())
        });
        let all = [Ok(head), Ok(beginning)].into_iter().chain(middle).chain([Ok(tail)]);
        (total as u64, reqwest::Body::wrap_stream(futures_util::stream::iter(all)))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn twenty_at_once_stay_small_in_memory() {
        let length = size(500_000, 50_000_000);
        let app = App::start_with(|settings| settings.media.wait_ms = 60_000).await;
        app.emitted.ignore::<PitchPublished>();
        app.emitted.ignore::<PitchChanged>();
        app.emitted.ignore::<MediaAdded>();
        let owner = app.creator().await;
        let pitch = app.published(&owner).await.to_string();
        app.send_form(&owner, &[("type", "poster"), ("pitchId", &pitch)], Some(&file("png", 100, 1)))
            .await
            .expect(201);
        let before = resident();
        let begun = std::time::Instant::now();
        let http = pitchey_testkit::http().build().unwrap();
        let sending = (0..20).map(|seed| {
            let (length, body) = streamed("mp4", &[("type", "video"), ("pitchId", &pitch)], length, seed);
            let signature = app.client.post("/api/media/upload").as_(&owner).signature();
            http.post(format!("http://{}/api/media/upload", app.service.http_address()))
                .header(pitchey_identity::HEADER, signature)
                .header("content-type", "multipart/form-data; boundary=edge")
                .header("content-length", length)
                .body(body)
                .send()
        });
        let all = join_all(sending);
        tokio::pin!(all);
        let mut most = before;
        let answers = loop {
            tokio::select! {
                answers = &mut all => break answers,
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => most = most.max(resident()),
            }
        };
        for answer in answers {
            assert_eq!(answer.unwrap().status(), 201);
        }
        // The client's pieces are in this process, too.
        println!(
            "20 uploads of {length} bytes in {:?}: resident {} MB before, {} MB at most",
            begun.elapsed(),
            before / 1_000_000,
            most / 1_000_000
        );
        // The whole test is one process, with its clients and unoptimised; so what counts is by how much it grows.
        assert!(most - before < 50_000_000, "{before} -> {most}");
    }
}
