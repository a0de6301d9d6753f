use serde_json::{Value, json};

/// Somebody in the story.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) kind: &'static str,
    pub(super) company: &'static str,
    pub(super) email: String,
    username: String,
    pub(super) id: i64,
    pub(super) token: String,
}

/// Long enough, and on no list of common ones.
const PASSWORD: &str = "the lantern is lit at six";

impl Person {
    pub(super) fn new(
        name: &'static str,
        last_name: &'static str,
        kind: &'static str,
        company: &'static str,
        run: &str,
    ) -> Self {
        let nick = name.to_lowercase();
        Self {
            name,
            last_name,
            kind,
            company,
            email: format!("{nick}.{run}@demo.example"),
            username: format!("{nick}{run}"),
            id: 0,
            token: String::new(),
        }
    }

    pub(super) fn registration(&self) -> Value {
        json!({
            "email": self.email,
            "username": self.username,
            "password": PASSWORD,
            "userType": self.kind,
            "firstName": self.name,
            "lastName": self.last_name,
            "companyName": self.company,
        })
    }

    pub(super) fn login(&self) -> Value {
        json!({ "email": self.email, "password": PASSWORD })
    }
}
