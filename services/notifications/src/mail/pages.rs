//! Pages in browsers, beside mails.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::folder::Kept;
use super::letter::Category;

/// The page that asks whether to unsubscribe from mails of `kind`; `done`: it was done.
pub(crate) fn unsubscribe_page(category: Category, done: bool) -> String {
    #[derive(Serialize)]
    struct Asked {
        kind: &'static str,
        done: bool,
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let page = include_str!("../../templates/unsubscribe.html");
    environment
        .render_named_str("unsubscribe.html", page, Serde(Asked { kind: category.called(), done }))
        .unwrap_or_else(|error| unreachable!("the page is tested: {error:#}"))
}

/// The page that shows developers the mails; `to` is what they asked for.
pub(crate) fn mails_page(mails: &[Kept], to: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Shown<'a> {
        mail: &'a Kept,
        links: Vec<&'a str>,
    }
    #[derive(Serialize)]
    struct Mails<'a> {
        to: Option<&'a str>,
        mails: Vec<Shown<'a>>,
    }
    let shown = mails.iter().map(|mail| Shown {
        mail,
        links: mail.text.split_whitespace().filter(|word| word.starts_with("http")).collect(),
    });
    let mails = Mails { to, mails: shown.collect() };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
        .render_named_str("dev-mails.html", include_str!("../../templates/dev-mails.html"), Serde(mails))
        .unwrap_or_else(|error| unreachable!("the page is tested: {error:#}"))
}
