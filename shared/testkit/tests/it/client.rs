use pitchey_events::{Service, UserId};
use pitchey_identity::{HEADER, Principal, Refused, Request, Verified};
use pitchey_testkit::{Answer, Client, actors, identity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server for one request, which answers with `answer` and returns the request's signature.
async fn exchange(
    client: impl AsyncFn(std::net::SocketAddr) -> Answer,
    answer: &str,
) -> (Answer, Option<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        request.lines().find_map(|line| line.strip_prefix(&format!("{HEADER}: "))).map(str::to_owned)
    };
    tokio::join!(client(address), serving)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"id\": 42}";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 21\r\n\r\n{\"code\": \"not_found\"}";

#[tokio::test]
async fn a_test_calls_a_service_as_the_gateway_does() {
    let creator = actors::creator(UserId(7));
    let call = async |address| {
        Client::gateway(Service::Pitches, address).get("/pitches?sort=new").as_(&creator).send().await
    };
    let (answer, signature) = exchange(call, OK).await;
    assert_eq!(answer.ok()["id"], 42);

    let request = Request { method: "GET", path: "/pitches?sort=new" };
    let Verified { caller, context } =
        identity::verifier(Service::Pitches).verify(&signature.unwrap(), request).unwrap();
    assert_eq!(caller, Service::Gateway);
    assert_eq!(context.principal, Principal::User(creator));
}

#[tokio::test]
async fn a_test_can_pretend_to_be_another_service_or_nobody() {
    let creator = actors::creator(UserId(7));
    let call = async |address| {
        Client::signing_as(Service::Messaging, Service::Pitches, address).get("/").as_(&creator).send().await
    };
    let (_, signature) = exchange(call, OK).await;
    let refused = identity::verifier(Service::Pitches)
        .verify(&signature.unwrap(), Request { method: "GET", path: "/" });
    assert_eq!(refused, Err(Refused::NotTheGateway));

    let (_, signature) = exchange(async |address| Client::unsigned(address).get("/").send().await, OK).await;
    assert_eq!(signature, None);
}

#[tokio::test]
async fn an_error_has_a_status_and_a_code() {
    let call = async |address| Client::unsigned(address).get("/pitches/1").send().await;
    exchange(call, NOT_FOUND).await.0.refused(404, "not_found");
}

#[tokio::test]
#[should_panic(expected = r#"GET /pitches/1 as nobody: 404 {"code": "not_found"}"#)]
async fn a_wrong_answer_is_told_with_its_question() {
    let call = async |address| Client::unsigned(address).get("/pitches/1").send().await;
    exchange(call, NOT_FOUND).await.0.ok();
}
