//! Large files, twenty at a time: how much memory the process needs that takes them, and whether owners who decide on NDAs have to wait.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream;
use pitchey_events::Service::{Gateway, Pitches};
use pitchey_system_tests::{Person, Platform};
use pitchey_testkit::size;
use serde_json::json;

use crate::world::{Cast, Given, World};

const CLIENTS: u8 = 20;
/// What the services may take of memory at most, in bytes.
const MEMORY: u64 = 100_000_000;
/// What an owner waits at most, also where others build and test on the same machine; how long it is otherwise is printed.
const PATIENCE: Duration = Duration::from_secs(10);
const PIECE: usize = 64 * 1024;

/// A form with a video of `length` bytes, in pieces, never all of it; and its length.
fn form(pitch: i64, length: usize, seed: u8) -> (usize, reqwest::Body) {
    let head = format!(
        "--edge\r\ncontent-disposition: form-data; name=\"type\"\r\n\r\nvideo\r\n\
         --edge\r\ncontent-disposition: form-data; name=\"pitchId\"\r\n\r\n{pitch}\r\n\
         --edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"trailer.mp4\"\r\ncontent-type: video/mp4\r\n\r\n"
    );
    let beginning = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec();
    let tail = b"\r\n--edge--\r\n".to_vec();
    let total = head.len() + length + tail.len();
    let rest = length - beginning.len();
    let middle = (0..rest.div_ceil(PIECE)).map(move |n| vec![seed; PIECE.min(rest - n * PIECE)]);
    let all = [head.into_bytes(), beginning].into_iter().chain(middle).chain([tail]);
    (total, reqwest::Body::wrap_stream(stream::iter(all.map(Ok::<_, std::io::Error>))))
}

/// As clients do: again, when too many are there.
async fn upload(platform: &Platform, owner: &Person, pitch: i64, length: usize, seed: u8) {
    let url = format!("http://{}/api/media/upload", platform.gateway_address());
    let http = pitchey_testkit::http().build().unwrap();
    for _ in 0..20 {
        let (length, body) = form(pitch, length, seed);
        let request = http.post(&url).bearer_auth(&owner.token);
        let request = request.header("content-type", "multipart/form-data; boundary=edge");
        let answer = request.header("content-length", length).body(body).send().await.unwrap();
        match answer.status().as_u16() {
            200 | 201 => return,
            503 => tokio::time::sleep(Duration::from_secs(1)).await,
            status => panic!("{status}: {}", answer.text().await.unwrap()),
        }
    }
    panic!("there was never room");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_take_little_memory_and_keep_no_owner_waiting() {
    let length = size(2_000_000, 50_000_000);
    let platform = Platform::start().await;
    let cast = Cast::assemble(&platform).await;
    let mut pending = Vec::new();
    for _ in 0..8 {
        pending.push(World::build(&platform, &cast, Given::Pending).await);
    }
    let pitch = World::build(&platform, &cast, Given::Published).await.pitch;
    let (gateway, pitches) = (platform.replica(Gateway, 0), platform.replica(Pitches, 0));
    let before = (gateway.peak_memory(), pitches.peak_memory());

    let begun = Instant::now();
    let uploads = (0..CLIENTS).map(|seed| upload(&platform, &cast.owner, pitch, length, seed));
    let deciding = async {
        let mut longest = Duration::ZERO;
        for world in &pending {
            let begun = Instant::now();
            let path = format!("/api/ndas/{}/approve", world.nda);
            cast.owner.post(&platform, &path, &json!({})).await.expect(200);
            longest = longest.max(begun.elapsed());
        }
        longest
    };
    let (_, longest) = tokio::join!(join_all(uploads), deciding);
    let took = begun.elapsed();

    let after = (gateway.peak_memory(), pitches.peak_memory());
    println!(
        "{CLIENTS} uploads of {length} bytes at once through the gateway: {took:.1?}; at most {} MB resident in pitches ({} before), {} MB in the gateway \
         ({} before); {} NDAs approved meanwhile, the slowest in {longest:?}",
        after.1 / 1_000_000,
        before.1 / 1_000_000,
        after.0 / 1_000_000,
        before.0 / 1_000_000,
        pending.len(),
    );
    assert!(longest < PATIENCE, "an owner waited {longest:?}");
    assert!(after.0.max(after.1) < MEMORY, "gateway, pitches: {before:?} -> {after:?}");
    let files = format!("SELECT count(*) FROM media_files WHERE pitch_id = {pitch}");
    assert_eq!(platform.number(&files).await, i64::from(CLIENTS));
}
