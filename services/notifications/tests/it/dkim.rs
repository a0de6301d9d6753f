use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pitchey_events::*;
use secrecy::SecretString;

use crate::app::{World, parties};
use crate::python;
use crate::smtp::header;

/// A new private key as PEM, and its public half as a name server tells it.
fn key(algorithm: &str) -> (String, String) {
    let openssl = |arguments: &[&str], input: &[u8]| {
        use std::io::Write;

        let mut child = Command::new("openssl")
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "openssl {arguments:?}");
        output.stdout
    };
    let private = openssl(&["genpkey", "-algorithm", algorithm], b"");
    let public = openssl(&["pkey", "-pubout", "-outform", "DER"], &private);
    let record = match algorithm {
        // RFC 8463: the bare key, which ends the DER.
        "ED25519" => format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(&public[public.len() - 32..])),
        _ => format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(&public)),
    };
    (String::from_utf8(private).unwrap(), record)
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_hold_in_the_eyes_of_others() {
    for (algorithm, named) in [("RSA", "rsa-sha256"), ("ED25519", "ed25519-sha256")] {
        let (private, record) = key(algorithm);
        let mut world = World::new().await;
        world.settings.mail.dkim_selector = Some("mail2026".to_owned());
        world.settings.mail.dkim_key = Some(SecretString::from(private));
        let owner = world.person(UserType::Creator, "Zoë  Łukasz").await.id;
        let requester = world.person(UserType::Investor, "Sarah").await.id;
        let app = world.start().await;
        let parties = parties(owner, requester, "Die  Brücke – ein  Film");
        app.emit(&NdaRequested { parties, with_message: true }).await;
        app.mail_to(owner, "nda-requested").await;
        let mut files =
            std::fs::read_dir(app.world.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let file = files.find(|path| path.extension().is_some_and(|e| e == "eml")).unwrap();
        let mail = std::fs::read_to_string(&file).unwrap();
        let signature = header(&mail, "DKIM-Signature").unwrap();
        assert!(
            signature.contains(&format!("a={named}")) && signature.contains("d=pitchey.test"),
            "{signature}"
        );
        assert!(signature.contains("List-Unsubscribe-Post"), "{signature}");

        let check = async |file: &std::path::Path| {
            let output = python::program("dkim_check.py").arg(file).arg(&record).output().await.unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
        };
        assert_eq!(check(&file).await.trim(), "holds mail2026._domainkey.pitchey.test.", "{algorithm}");
        for (what, forged) in
            [("subject", mail.replace("New NDA", "Old NDA")), ("body", mail.replace("Hello", "Hallo"))]
        {
            let other = file.with_extension("forged");
            std::fs::write(&other, forged).unwrap();
            assert!(check(&other).await.starts_with("does not hold"), "{algorithm} {what}");
        }
    }
}
