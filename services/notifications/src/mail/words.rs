//! Words that users chose, before they go into a mail.

/// Longest name in a greeting.
const GREETING: usize = 60;

/// `text` on one line of at most `max` characters. Line breaks could fake a mail's end, and marks that turn the direction of writing hide
/// what it says.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let visible: String = text.chars().map(|c| if is_invisible(c) { ' ' } else { c }).collect();
    let mut words = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() > max {
        words = words.chars().take(max.saturating_sub(1)).collect();
        words = format!("{}…", words.trim_end());
    }
    words
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Whether a mail program would make a link of it.
pub(super) fn advertises(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.contains("://") || lower.contains("www.")
}

/// The name to greet somebody by. Anybody may register with somebody else's address and a name that advertises: a name that looks like a link
/// is not used.
pub(super) fn greeting(name: &str) -> Option<String> {
    let name = one_line(name, GREETING);
    (!name.is_empty() && !advertises(&name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{greeting, one_line};

    #[test]
    fn a_text_stays_on_its_line() {
        assert_eq!(one_line("  a\r\nBcc: b\tc\u{202e}d\0 ", 100), "a Bcc: b c d");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(one_line("ééééé", 4), "ééé…");
        assert_eq!(one_line("éééé", 4), "éééé");
    }

    #[test]
    fn a_name_that_advertises_is_not_greeted() {
        assert_eq!(greeting("Buy at HTTPS://spam.example"), None);
        assert_eq!(greeting("Www.spam.example"), None);
        assert_eq!(greeting(" \n "), None);
        assert_eq!(greeting("Alex  Rivera").as_deref(), Some("Alex Rivera"));
    }
}
