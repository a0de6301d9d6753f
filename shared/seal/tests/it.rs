//! What a sealed text promises.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pitchey_seal::{BadKey, Error, Sealer};
use secrecy::SecretString;

const PLACE: &str = "users|phone|7";

fn key(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

fn sealer(keys: &[String]) -> Sealer {
    Sealer::new(&SecretString::from(keys.join(","))).unwrap()
}

#[test]
fn what_is_sealed_opens_at_its_place() {
    let sealer = sealer(&[key(1)]);
    for text in ["", "+49 30 901820", "日本語"] {
        let sealed = sealer.seal(PLACE, text).unwrap();
        assert_eq!(sealer.open(PLACE, &sealed).as_deref(), Ok(text));
        assert!(text.is_empty() || !sealed.contains(text));
    }
}

#[test]
fn the_same_text_looks_different_every_time() {
    let sealer = sealer(&[key(1)]);
    assert_ne!(sealer.seal(PLACE, "text").unwrap(), sealer.seal(PLACE, "text").unwrap());
}

#[test]
fn another_row_or_column_does_not_open_it() {
    let sealer = sealer(&[key(1)]);
    let sealed = sealer.seal(PLACE, "text").unwrap();
    for place in ["users|phone|8", "users|company_address|7", ""] {
        assert_eq!(sealer.open(place, &sealed), Err(Error::WrongPlace), "{place}");
    }
}

#[test]
fn a_changed_character_is_noticed() {
    let sealer = sealer(&[key(1)]);
    let sealed = sealer.seal(PLACE, "text").unwrap();
    let last = if sealed.ends_with('A') { 'Q' } else { 'A' };
    let changed = format!("{}{last}", &sealed[..sealed.len() - 1]);
    assert!(sealer.open(PLACE, &changed).is_err());
    for nonsense in ["", "text", "s1", "s1.x", "s2.x.y", "s1.%.%"] {
        assert!(sealer.open(PLACE, nonsense).is_err(), "{nonsense}");
    }
}

#[test]
fn a_key_is_replaced_without_losing_what_it_sealed() {
    let sealed = sealer(&[key(1)]).seal(PLACE, "text").unwrap();
    let both = sealer(&[key(2), key(1)]);
    assert_eq!(both.open(PLACE, &sealed).as_deref(), Ok("text"));
    let resealed = both.seal(PLACE, "text").unwrap();
    let new_only = sealer(&[key(2)]);
    assert_eq!(new_only.open(PLACE, &resealed).as_deref(), Ok("text"));
    assert_eq!(new_only.open(PLACE, &sealed), Err(Error::UnknownKey));
}

#[test]
fn a_key_of_another_length_is_refused() {
    for keys in ["", "short", &STANDARD.encode([1; 16]), &format!("{},", key(1))] {
        assert_eq!(Sealer::new(&SecretString::from(keys)).unwrap_err(), BadKey, "{keys}");
    }
}

#[test]
fn debugging_shows_no_key() {
    assert!(!format!("{:?}", sealer(&[key(1)])).contains(&key(1)));
}
