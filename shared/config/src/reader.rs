use std::fmt;

use figment::Figment;
use figment::providers::Env;
use figment::value::Value;
use serde::de::DeserializeOwned;

/// The root section of a service; made by [`crate::settings!`].
pub trait Settings: Setting {}

/// Something that can be read: a value, or a section of them.
pub trait Setting: Sized {
    /// Reads it at `key`; on failure the reader remembers the problem. A default comes with its spelling.
    fn read(reader: &mut Reader, key: &str, doc: &str, default: Option<(Self, &str)>) -> Option<Self>;
}

impl<T: DeserializeOwned> Setting for T {
    fn read(reader: &mut Reader, key: &str, doc: &str, default: Option<(Self, &str)>) -> Option<Self> {
        reader.describe(Described {
            variable: reader.variable(key),
            doc: doc.trim().to_owned(),
            default: default.as_ref().map(|(_, spelling)| (*spelling).to_owned()),
        });
        match reader.values.find_value(key) {
            Ok(value) => match deserialize(&value) {
                Ok(value) => return Some(value),
                Err(error) => reader.problem(key, error),
            },
            Err(_) => match default {
                Some((default, _)) => return Some(default),
                None => reader.problem(key, "is required".to_owned()),
            },
        }
        None
    }
}

/// Environment values are read as numbers and booleans where they look like it; a password may look like a number.
fn deserialize<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    let text = match value {
        Value::Num(_, number) => {
            number.to_u128().map(|n| n.to_string()).or_else(|| number.to_i128().map(|n| n.to_string()))
        }
        Value::Bool(_, flag) => Some(flag.to_string()),
        _ => None,
    };
    value.deserialize().or_else(|error: figment::Error| match text {
        Some(text) => Value::from(text).deserialize().map_err(|_: figment::Error| error.kind.to_string()),
        None => Err(error.kind.to_string()),
    })
}

/// Reads settings and remembers what was wrong with them, and what there is to set.
pub struct Reader {
    service: String,
    values: Figment,
    problems: Vec<Problem>,
    described: Vec<Described>,
}

impl Reader {
    fn new(service: &str, values: Figment) -> Self {
        Self { service: service.to_uppercase(), values, problems: Vec::new(), described: Vec::new() }
    }

    /// The key of `field` in the section at `section`.
    pub fn join(section: &str, field: &str) -> String {
        if section.is_empty() { field.to_owned() } else { format!("{section}.{field}") }
    }

    fn variable(&self, key: &str) -> String {
        format!("{}_{}", self.service, key.replace('.', "__").to_uppercase())
    }

    /// Once, however many sections read it.
    fn describe(&mut self, setting: Described) {
        if !self.described.contains(&setting) {
            self.described.push(setting);
        }
    }

    fn problem(&mut self, key: &str, what: String) {
        let problem = Problem { variable: self.variable(key), what };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The value, or what is wrong with it remembered.
    pub(crate) fn checked<T>(&mut self, key: &str, value: Result<T, String>) -> Option<T> {
        value.map_err(|what| self.problem(key, what)).ok()
    }
}

/// One setting, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The environment variable. `PITCHEY_` instead of the service's prefix sets it for all services.
    pub variable: String,
    /// What it means.
    pub doc: String,
    /// How the default is written in the code; `None` where it is required.
    pub default: Option<String>,
}

/// One setting that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The environment variable.
    pub variable: String,
    /// What is wrong with it. Never its value.
    pub what: String,
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub Vec<Problem>);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the settings are not complete:")?;
        for Problem { variable, what } in &self.0 {
            writeln!(f, "  {variable}: {what}")?;
        }
        write!(f, "`make run` generates development settings; `ctl config` lists all of them")
    }
}

impl std::error::Error for Invalid {}

/// Reads the settings of `service` from the environment.
///
/// # Errors
/// All problems at once.
pub fn load<S: Settings>(service: &str) -> Result<S, Invalid> {
    let environment = Figment::new()
        .merge(Env::prefixed("PITCHEY_").split("__"))
        .merge(Env::prefixed(&format!("{}_", service.to_uppercase())).split("__"));
    load_from(service, environment)
}

/// Reads the settings of `service` from `values`: for tests.
///
/// # Errors
/// All problems at once.
pub fn load_from<S: Settings>(service: &str, values: Figment) -> Result<S, Invalid> {
    let mut reader = Reader::new(service, values);
    S::read(&mut reader, "", "", None).filter(|_| reader.problems.is_empty()).ok_or(Invalid(reader.problems))
}

/// Lists every setting of `service`.
pub fn describe<S: Settings>(service: &str) -> Vec<Described> {
    let mut reader = Reader::new(service, Figment::new());
    let _ = S::read(&mut reader, "", "", None);
    reader.described
}
