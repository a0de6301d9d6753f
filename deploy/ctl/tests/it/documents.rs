use std::path::Path;

fn committed(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

#[test]
fn docs_events_md_is_what_the_catalogue_says() {
    assert!(
        committed("events.md") == pitchey_ctl::events::page(),
        "docs/events.md is out of date: make events"
    );
}

#[test]
fn docs_openapi_json_is_what_the_routes_say() {
    let fresh = pitchey_ctl::openapi::document().unwrap();
    assert!(committed("openapi.json") == fresh, "docs/openapi.json is out of date: make openapi");
}
