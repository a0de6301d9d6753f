//! The same, with a bucket: against a server that speaks S3 and checks signatures, as Amazon's does.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use secrecy::SecretString;
use serde_json::json;
use tokio::net::TcpListener;

use crate::app::{App, file, id};

/// A server with one empty bucket, and the folder where it keeps its objects.
async fn server(secret: &'static str) -> (String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("pitchey")).unwrap();
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
    service.set_auth(SimpleAuth::from_single("the-id", secret));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                // Connections end as their clients like.
                let _ =
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    (format!("http://{address}"), folder)
}

async fn with_bucket(endpoint: String) -> App {
    // The one TLS provider, which a process of ours makes sure of when it starts.
    let _ = pitchey_testkit::http();
    let app = App::start_with(|settings| {
        settings.media.bucket = Some("pitchey".to_owned());
        settings.media.endpoint = Some(endpoint);
        settings.media.access_key_id = Some(SecretString::from("the-id"));
        settings.media.secret_access_key = Some(SecretString::from("the-secret"));
    })
    .await;
    app.emitted.ignore::<pitchey_events::PitchPublished>();
    app.emitted.ignore::<pitchey_events::PitchChanged>();
    app.emitted.ignore::<pitchey_events::MediaAdded>();
    app.emitted.ignore::<pitchey_events::NdaRequested>();
    app.emitted.ignore::<pitchey_events::NdaApproved>();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn files_lie_in_the_bucket_and_come_from_it() {
    let (endpoint, objects) = server("the-secret").await;
    let app = with_bucket(endpoint).await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published_with(&owner, json!({ "ndaType": "custom" })).await;
    // One part, several parts, and one that ends where a part does.
    for (kind, content, length) in
        [("poster", "png", 1_000), ("video", "mp4", 12_000_000), ("trailer", "mp4", 10 * 1024 * 1024)]
    {
        let bytes = file(content, length, 3);
        let media = id(&app.upload(&owner, pitch, kind, &bytes).await.expect(201)["file"]);
        let path = format!("/api/media/{media}/file");
        assert_eq!(app.get(&path, &owner).await.expect(200).bytes, bytes, "{kind}");
        let request = app.client.get(&path).as_(&owner).header("range", "bytes=100-199");
        assert_eq!(request.send().await.expect(206).bytes, bytes[100..200]);
    }
    let count = || std::fs::read_dir(objects.path().join("pitchey/media")).unwrap().count();
    assert_eq!(count(), 3);
    assert_eq!(std::fs::read_dir(app.folder.path().join("spool")).unwrap().count(), 0);
    assert!(!app.folder.path().join("media").exists(), "nothing stays in the folder");

    let own = file("pdf", 2_000, 1);
    app.upload(&owner, pitch, "custom_nda", &own).await.expect(201);
    let nda = app.approved(pitch, &owner, &buyer).await;
    assert_eq!(app.get(&format!("/api/ndas/{nda}/document"), &buyer).await.expect(200).bytes, own);

    // The same again leaves no second object; what is deleted goes with the tidying.
    app.upload(&owner, pitch, "poster", &file("png", 1_000, 3)).await.expect(200);
    assert_eq!(count(), 4);
    let video = app.number("SELECT id FROM media_files WHERE kind = 'video'").await;
    app.delete(&format!("/api/media/{video}"), &owner).await.expect(200);
    app.pass(chrono::TimeDelta::days(2));
    assert_eq!((app.service.tidy().await.unwrap(), count()), (Some(1), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_bucket_nothing_is_added_and_nothing_is_claimed() {
    let (endpoint, objects) = server("another-secret").await;
    let app = with_bucket(endpoint).await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    app.upload(&owner, pitch, "poster", &file("png", 1_000, 3)).await.refused(503, "files_unavailable");
    assert_eq!(app.number("SELECT count(*) FROM media_files").await, 0);
    assert!(!objects.path().join("pitchey/media").exists());
    assert_eq!(std::fs::read_dir(app.folder.path().join("spool")).unwrap().count(), 0);
}
