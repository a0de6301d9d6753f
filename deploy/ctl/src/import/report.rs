//! What an import did.

use std::collections::BTreeMap;
use std::fmt;

/// Ids that are named as examples.
const EXAMPLES: usize = 5;

/// What became of a row that did not come in as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Mended,
    LeftOut,
}

#[derive(Default)]
struct Count {
    rows: u64,
    examples: Vec<String>,
}

/// Counts, with a few ids of each kind.
#[derive(Default)]
pub(super) struct Report {
    read: u64,
    inserted: u64,
    found: BTreeMap<(&'static str, Fate, String), Count>,
}

impl Report {
    /// A new table begins.
    pub(super) fn begin_table(&mut self) {
        self.read = 0;
    }

    pub(super) fn add_read(&mut self, rows: usize) {
        self.read += rows as u64;
    }

    pub(super) fn add_inserted(&mut self, rows: usize) {
        self.inserted += rows as u64;
    }

    /// Rows read of the table at hand.
    pub(super) const fn read(&self) -> u64 {
        self.read
    }

    /// New rows of all tables.
    pub(super) const fn inserted(&self) -> u64 {
        self.inserted
    }

    pub(super) fn note(&mut self, table: &'static str, fate: Fate, what: &str, id: &str) {
        let count = self.found.entry((table, fate, what.to_owned())).or_default();
        count.rows += 1;
        if count.examples.len() < EXAMPLES {
            count.examples.push(id.to_owned());
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{} new rows.", self.inserted)?;
        if self.found.is_empty() {
            return writeln!(f, "Nothing had to be mended.");
        }
        for ((table, fate, what), count) in &self.found {
            let fate = match fate {
                Fate::Mended => "mended  ",
                Fate::LeftOut => "left out",
            };
            let examples = count.examples.join(", ");
            let more = if count.rows > count.examples.len() as u64 { ", ..." } else { "" };
            writeln!(f, "{fate}  {table}: {what}: {} (id {examples}{more})", count.rows)?;
        }
        Ok(())
    }
}
