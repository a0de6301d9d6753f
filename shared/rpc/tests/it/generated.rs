//! The generated code is committed, so that nobody needs a protobuf compiler to build; here it is proved fresh. `make proto` rewrites it.

use std::path::Path;

#[test]
fn the_generated_code_is_what_the_protos_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let protos = root.join("../../proto");
    let files = [
        "pitchey/accounts/v1/accounts.proto",
        "pitchey/payments/v1/payments.proto",
        "pitchey/pitches/v1/pitches.proto",
        "pitchey/privacy/v1/privacy.proto",
    ];
    let descriptors = protox::compile(files, [&protos]).unwrap();
    let out = tempfile::tempdir().unwrap();
    tonic_prost_build::configure().out_dir(out.path()).compile_fds(descriptors).unwrap();

    for generated in std::fs::read_dir(out.path()).unwrap() {
        let generated = generated.unwrap();
        let committed = root.join("src/gen").join(generated.file_name());
        let fresh = std::fs::read_to_string(generated.path()).unwrap();
        if std::env::var_os("PITCHEY_REGENERATE").is_some() {
            std::fs::write(&committed, &fresh).unwrap();
        }
        let committed_text = std::fs::read_to_string(&committed).unwrap_or_default();
        assert!(committed_text == fresh, "{} is stale: run `make proto`", committed.display());
    }
}
