use pitchey_identity::Actor;
use serde_json::{Value, json};

use crate::app::{App, file, id};

/// A published pitch under NDA with a poster and a deck; their ids.
async fn with_files(app: &App, owner: &Actor) -> (i64, i64, i64) {
    let pitch = app.published(owner).await;
    let poster = id(&app.upload(owner, pitch, "poster", &file("png", 3_000, 1)).await.expect(201)["file"]);
    let deck = id(&app.upload(owner, pitch, "pitch_deck", &file("pdf", 3_000, 2)).await.expect(201)["file"]);
    (pitch, poster, deck)
}

fn path(media: i64) -> String {
    format!("/api/media/{media}/file")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_file_is_for_everybody_and_any_other_for_who_may_read_the_protected_part() {
    let app = App::start().await;
    let (owner, signer, buyer, admin) =
        (app.creator().await, app.investor().await, app.investor().await, app.operator().await);
    let (pitch, poster, deck) = with_files(&app, &owner).await;
    let nda = app.signed(pitch, &owner, &signer).await;

    let seen = app.client.get(&path(poster)).send().await.expect(200);
    assert_eq!(seen.bytes, file("png", 3_000, 1));
    assert_eq!(seen.header("content-type"), Some("image/png"));
    assert_eq!(seen.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(seen.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    assert_eq!(
        seen.header("content-disposition"),
        Some(format!("inline; filename=\"poster-{poster}.png\"").as_str())
    );
    assert_eq!(seen.header("cache-control"), Some("public, no-cache"));

    for actor in [&owner, &signer] {
        let seen = app.get(&path(deck), actor).await.expect(200);
        assert_eq!(seen.bytes, file("pdf", 3_000, 2));
        assert_eq!(seen.header("cache-control"), Some("private, no-store"));
        assert!(seen.header("content-disposition").unwrap().starts_with("attachment; "));
    }
    for actor in [&buyer, &admin] {
        app.get(&path(deck), actor).await.refused(404, "not_found");
        app.get(&format!("/api/media/{deck}"), actor).await.refused(404, "not_found");
    }
    app.client.get(&path(deck)).send().await.refused(404, "not_found");
    app.client.get(&format!("/api/media/{deck}")).send().await.refused(404, "not_found");
    let reason = app.client.get(&path(deck)).as_(&admin).header("x-access-reason", "A complaint.");
    reason.send().await.expect(200);
    let actions = app.actions("media", deck).await;
    assert_eq!(actions.iter().filter(|action| *action == "media.protected_read").count(), 2, "{actions:?}");
    assert_eq!(
        actions.iter().filter(|action| *action == "media.protected_read_denied").count(),
        4,
        "{actions:?}"
    );

    app.act(nda, "revoke", &owner).await.expect(200);
    app.get(&path(deck), &signer).await.refused(404, "not_found");
    app.get(&path(999_999), &owner).await.refused(404, "not_found");

    // A pitch that is not to be seen shows no poster, either.
    app.post(&format!("/api/pitches/{pitch}/unpublish"), &owner, json!({})).await.expect(200);
    app.client.get(&path(poster)).send().await.refused(404, "not_found");
    app.get(&path(poster), &owner).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_asked_about_again_when_it_is_opened() {
    let app = App::start().await;
    let (owner, signer) = (app.creator().await, app.investor().await);
    let (pitch, _, deck) = with_files(&app, &owner).await;
    let nda = app.signed(pitch, &owner, &signer).await;
    let link = |answer: &Value| answer["pitchDeckUrl"].as_str().unwrap().to_owned();
    let mine = link(&app.get(&format!("/api/pitches/{pitch}"), &signer).await.ok());
    let open = async |link: &str| app.client.get(link).send().await;
    open(&mine).await.expect(200);
    let (_second, replica) = app.replica().await;
    replica.get(&mine).send().await.expect(200);

    // Neither to another file, nor made up, nor later.
    let poster = mine.replace(&format!("/{deck}/"), &format!("/{}/", deck - 1));
    assert_ne!(poster, mine);
    open(&poster).await.refused(404, "not_found");
    open(&format!("{mine}A")).await.refused(404, "not_found");
    app.pass(chrono::TimeDelta::minutes(10));
    open(&mine).await.refused(404, "not_found");

    // A revocation ends it at once, on every replica; so does the end of the session.
    let fresh = app.get(&format!("/api/media/{deck}"), &signer).await.ok();
    assert!(fresh["urlExpiresAt"].is_string());
    let fresh = fresh["url"].as_str().unwrap().to_owned();
    open(&fresh).await.expect(200);
    let session = app.others.known().sessions.remove(&signer.session_id.to_string()).unwrap();
    open(&fresh).await.refused(404, "not_found");
    app.others.known().sessions.insert(signer.session_id.to_string(), session);
    open(&fresh).await.expect(200);
    app.act(nda, "revoke", &owner).await.expect(200);
    open(&fresh).await.refused(404, "not_found");
    replica.get(&fresh).send().await.refused(404, "not_found");
    app.get(&format!("/api/media/{deck}"), &signer).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_file_is_sent_where_one_is_asked_for() {
    let app = App::start().await;
    let owner = app.creator().await;
    let (_, poster, _) = with_files(&app, &owner).await;
    let whole = file("png", 3_000, 1);
    let ask = async |headers: &[(&str, &str)]| {
        let poster = path(poster);
        let mut request = app.client.get(&poster);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await
    };
    let answer = ask(&[]).await.expect(200);
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    let etag = answer.header("etag").unwrap().to_owned();
    for (range, told, part) in [
        ("bytes=0-9", "bytes 0-9/3000", &whole[..10]),
        ("bytes=2990-", "bytes 2990-2999/3000", &whole[2_990..]),
        ("bytes=-5", "bytes 2995-2999/3000", &whole[2_995..]),
    ] {
        let answer = ask(&[("range", range), ("if-range", &etag)]).await.expect(206);
        assert_eq!((answer.header("content-range"), answer.bytes.as_slice()), (Some(told), part));
    }
    let refused = ask(&[("range", "bytes=3000-")]).await.refused(416, "range_not_satisfiable");
    assert_eq!(refused.header("content-range"), Some("bytes */3000"));
    assert_eq!(
        ask(&[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await.expect(200).bytes.len(),
        3_000
    );
    assert_eq!(ask(&[("range", "bytes=0-1,4-5")]).await.expect(200).bytes.len(), 3_000);
    assert_eq!(ask(&[("if-none-match", &etag)]).await.status, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_stops_what_is_being_sent() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const LENGTH: usize = 40_000_000;
    let app = App::start().await;
    let (owner, signer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let video = id(&app.upload(&owner, pitch, "video", &file("mp4", LENGTH, 1)).await.expect(201)["file"]);
    let nda = app.signed(pitch, &owner, &signer).await;
    let video = path(video);
    let signature = app.client.get(&video).as_(&signer).signature();
    let mut socket = tokio::net::TcpStream::connect(app.service.http_address()).await.unwrap();
    let head =
        format!("GET {video} HTTP/1.1\r\nhost: x\r\n{}: {signature}\r\n\r\n", pitchey_identity::HEADER);
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut got = vec![0; 100_000];
    socket.read_exact(&mut got).await.unwrap();
    assert!(got.starts_with(b"HTTP/1.1 200"));
    app.act(nda, "revoke", &owner).await.expect(200);
    // Longer than an answer about access is good for.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let mut rest = Vec::new();
    // The connection breaks, so that nobody takes it for all of it.
    let _ = socket.read_to_end(&mut rest).await;
    assert!(rest.len() < LENGTH / 2, "{} bytes came after the revocation", rest.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_strangers_see_public_files_only() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let (pitch, poster, _) = with_files(&app, &owner).await;
    for seen in [
        app.get(&format!("/api/pitches/{pitch}"), &buyer).await.ok(),
        app.client.get(&format!("/api/pitches/{pitch}")).send().await.ok(),
        app.client.get("/api/pitches/public").send().await.ok()["data"][0].clone(),
    ] {
        assert_eq!(seen["mediaFiles"].as_array().unwrap().len(), 1, "{seen}");
        assert_eq!((&seen["posterUrl"], &seen["pitchDeckUrl"]), (&json!(path(poster)), &Value::Null));
    }
}
