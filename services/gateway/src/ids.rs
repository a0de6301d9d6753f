//! The names of a request.

use actix_web::http::header::HeaderValue;
use pitchey_clock::Clock;
use rand::random;
use uuid::{Builder, Uuid};

use crate::body::Bytes;

/// The id of a request: a UUIDv7. The generator of this thread, not the system's: ids need to be unique, not secret.
pub fn request_id(clock: &Clock) -> Uuid {
    let millis = u64::try_from(clock.now().timestamp_millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
}

/// The trace of a request of which no span is made here: called like the request, so that who has one id has the other.
pub fn traceparent(request_id: &Uuid) -> Option<HeaderValue> {
    // A span's id is not 0.
    let span = random::<u64>().max(1);
    HeaderValue::from_maybe_shared(Bytes::from(format!("00-{}-{span:016x}-01", request_id.simple()))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_well_formed_and_called_like_its_request() {
        let id = request_id(&Clock::system());
        assert_eq!(id.get_version_num(), 7);
        let traceparent = traceparent(&id).unwrap();
        let text = traceparent.to_str().unwrap();
        assert!(pitchey_telemetry::trace_context::is_valid(text), "{text}");
        assert!(text.contains(&id.simple().to_string()));
    }
}
