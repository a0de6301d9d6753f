//! How the story looks on a terminal; without colours where nobody would see them.

use std::io::IsTerminal;
use std::time::Duration;

use pitchey_bus::Seen;

use super::person::Person;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BLUE: &str = "36";

/// What is printed on.
pub(super) struct Paper {
    colours: bool,
    step: usize,
}

impl Paper {
    pub(super) fn new() -> Self {
        Self { colours: std::io::stdout().is_terminal(), step: 0 }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(super) fn title(&self, title: &str, place: &str) {
        println!("\n{}   {}\n", self.paint(BOLD, title), self.paint(DIM, place));
    }

    pub(super) fn person(&self, person: &Person) {
        let Person { name, last_name, kind, company, email, .. } = person;
        let who = format!("{name} {last_name}");
        println!("    {who:<12} {kind:<9} {company:<17} {}", self.paint(DIM, email));
    }

    pub(super) fn chapter(&self, title: &str) {
        println!("\n{}", self.paint(BOLD, title));
    }

    /// The sentence that says what happens.
    pub(super) fn step(&mut self, sentence: &str) {
        self.step += 1;
        println!("\n {:>2}  {sentence}", self.step);
    }

    pub(super) fn request(&self, line: &str, status: u16, took: Duration, fits: bool) {
        let status = self.paint(if fits { GREEN } else { RED }, &status.to_string());
        let took = self.paint(DIM, &format!("{:>5} ms", took.as_millis()));
        println!("     {line:<62} {status} {took}");
    }

    pub(super) fn event(&self, seen: &Seen) {
        let name = self.paint(YELLOW, &format!("{:<28}", seen.event_type));
        println!("       {} {name} {}", self.paint(DIM, "event"), self.paint(DIM, &seen.subject));
    }

    pub(super) fn mail(&self, subject: &str) {
        println!("       {} {}", self.paint(DIM, "mail "), self.paint(BLUE, subject));
    }

    pub(super) fn note(&self, text: &str) {
        println!("       {} {text}", self.paint(DIM, "     "));
    }

    pub(super) fn end(&self) {
        println!("\n{}\n", self.paint(GREEN, "Everything happened as it should."));
    }
}
