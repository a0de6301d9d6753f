//! Rules of the workspace that no compiler knows: who may depend on whom, what may be depended on, what things may be called.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package};

/// Programs that only test or measure the others.
const TOOLS: [&str; 3] = ["pitchey-bench", "pitchey-system-tests", "pitchey-testkit"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).features(CargoOpt::AllFeatures);
    // What is built, not what could be on other systems.
    command
        .other_options(vec!["--offline".to_owned(), "--filter-platform=x86_64-unknown-linux-gnu".to_owned()]);
    command.exec().unwrap()
}

/// Of a member: `services/pitches`.
fn folder(package: &Package) -> String {
    let folder = package.manifest_path.parent().unwrap();
    folder.as_std_path().strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// (who, on whom, how) for each dependency that a member names.
fn dependencies(metadata: &Metadata) -> Vec<(&Package, &str, DependencyKind)> {
    let members = metadata.workspace_packages();
    let of = |package| -> Vec<_> {
        let package: &Package = package;
        package
            .dependencies
            .iter()
            .map(|dependency| (package, dependency.name.as_str(), dependency.kind))
            .collect()
    };
    members.into_iter().flat_map(of).collect()
}

fn services(metadata: &Metadata) -> BTreeSet<&str> {
    let members = metadata.workspace_packages().into_iter();
    members
        .filter(|member| folder(member).starts_with("services/"))
        .map(|member| member.name.as_str())
        .collect()
}

/// What has a small and a full form is run in full by `make soak`, which looks for modules called `proofs`.
#[test]
fn everything_that_has_a_full_form_is_a_proof() {
    let mut proofs = 0;
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        if text.lines().any(|line| line.starts_with("use pitchey_testkit::") && line.contains("size")) {
            let is_proof = path.to_string_lossy().contains("proofs") || text.contains("mod proofs {");
            assert!(is_proof, "{}: not in a module called proofs", path.display());
            proofs += 1;
        }
    }
    assert!(proofs > 0, "the rule finds what it is about");
}

#[test]
fn only_the_operators_tool_depends_on_services() {
    let metadata = metadata();
    let services = services(&metadata);
    assert!(services.contains("pitchey-pitches"));
    for (package, on, _) in dependencies(&metadata) {
        let is_one = services.contains(on);
        assert!(!is_one || folder(package) == "deploy/ctl", "{} depends on the service {on}", package.name);
    }
}

#[test]
fn only_the_bus_speaks_amqp() {
    for (package, on, _) in dependencies(&metadata()) {
        let may = package.name == "pitchey-bus" || TOOLS.contains(&package.name.as_str());
        assert!(on != "lapin" || may, "{} names lapin", package.name);
    }
}

#[test]
fn what_is_for_tests_stays_in_tests() {
    for (package, on, kind) in dependencies(&metadata()) {
        let may = kind == DependencyKind::Development || TOOLS.contains(&package.name.as_str());
        assert!(!TOOLS.contains(&on) || may, "{} depends on {on} outside of its tests", package.name);
    }
}

#[test]
fn contracts_depend_on_data_formats_only() {
    let metadata = metadata();
    let of_events =
        dependencies(&metadata).into_iter().filter(|(package, ..)| package.name == "pitchey-events");
    for (_, on, kind) in of_events {
        let may =
            ["chrono", "serde", "serde_json", "uuid"].contains(&on) || kind == DependencyKind::Development;
        assert!(may, "pitchey-events depends on {on}");
    }
}

#[test]
fn every_licence_lets_us_sell_what_we_build() {
    for package in metadata().packages.iter().filter(|package| !package.name.starts_with("pitchey-")) {
        let licence = package.license.as_deref();
        assert!(licence.is_some() || package.license_file.is_some(), "{} has no licence", package.name);
        let choices = licence.unwrap_or_default().split(" OR ");
        assert!(choices.into_iter().any(|choice| !choice.contains("GPL")), "{}: {licence:?}", package.name);
    }
}

#[test]
fn there_is_one_of_what_there_must_be_one_of() {
    let metadata = metadata();
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in &metadata.packages {
        versions.entry(&package.name).or_default().insert(package.version.to_string());
    }
    // Two would compile, and then not see each other's contexts, runtimes, types or providers.
    for one in [
        "diesel",
        "diesel-async",
        "lapin",
        "opentelemetry",
        "opentelemetry_sdk",
        "prost",
        "rustls",
        "sha2",
        "tokio",
        "tonic",
        "tracing",
    ] {
        let found = versions.get(one).map_or(0, BTreeSet::len);
        assert!(found <= 1, "{one}: {:?}", versions[one]);
    }
    for never in ["aws-lc-rs", "aws-lc-sys", "boring", "native-tls", "openssl", "openssl-sys"] {
        assert!(!versions.contains_key(never), "{never}: ring is the one TLS provider");
    }
    assert!(!versions.contains_key("pq-sys"), "nothing needs libpq");
}

#[test]
fn a_package_is_called_after_its_folder_and_its_folder_after_its_job() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let folder = folder(package);
        let name = folder.rsplit('/').next().unwrap();
        assert_eq!(package.name, format!("pitchey-{name}"));
    }
    for source in sources() {
        let name = source.file_stem().unwrap().to_string_lossy().into_owned();
        let vague = ["common", "core", "helper", "helpers", "misc", "types", "util", "utils"];
        assert!(!vague.contains(&name.as_str()), "{}: called after nothing it does", source.display());
    }
}

#[test]
fn members_take_versions_and_lints_from_the_workspace() {
    for package in metadata().workspace_packages() {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} has lints of its own", package.name);
        let mut in_dependencies = false;
        for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
            } else if in_dependencies {
                assert!(
                    line.ends_with(".workspace = true"),
                    "{}: `{line}` belongs in the root's Cargo.toml",
                    package.name
                );
            }
        }
    }
}

#[test]
fn a_shared_crate_says_what_it_is_for_and_what_not() {
    for package in metadata().workspace_packages() {
        let (folder, readme) = (folder(package), package.manifest_path.with_file_name("README.md"));
        let readme = std::fs::read_to_string(&readme).unwrap_or_else(|error| panic!("{readme}: {error}"));
        if folder.starts_with("shared/") {
            let last = readme.trim_end().rsplit("\n\n").next().unwrap();
            assert!(last.starts_with("Not here: "), "{folder}/README.md ends with: {last}");
        }
    }
}

#[test]
fn requests_of_users_do_not_pass_row_level_security() {
    let doors = sources().into_iter().filter(|source| {
        let path = source.to_string_lossy();
        path.contains("/services/") && (path.contains("/src/http/") || path.ends_with("/src/http.rs"))
    });
    for source in doors {
        let text = std::fs::read_to_string(&source).unwrap();
        for passes in ["SystemDb", "databases.system", ".system.begin(", ".system.connection("] {
            assert!(!text.contains(passes), "{}: `{passes}`", source.display());
        }
    }
}

/// Every Rust source of the workspace that people write.
fn sources() -> Vec<PathBuf> {
    let mut sources = Vec::new();
    let mut folders: Vec<_> = ["services", "shared", "deploy"].map(|folder| root().join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("gen") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
    }
    assert!(sources.len() > 50);
    sources
}
