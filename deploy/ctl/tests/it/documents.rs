use std::path::Path;

#[test]
fn docs_events_md_is_what_the_catalogue_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let committed = std::fs::read_to_string(file).unwrap();
    assert!(committed == pitchey_ctl::events::page(), "docs/events.md is out of date: make events");
}
