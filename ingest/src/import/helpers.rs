//! What mappings have beyond jq's own functions, as `mappings/prelude.jq` says it, one line each.

use super::mapping::prelude;

/// A function of the prelude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// As it is called: `lookup($name; $column; $value)`.
    pub call: String,
    /// One sentence.
    pub about: String,
}

/// Every function that the prelude documents: `def`s under their comment, and those written in Rust as `# name: what it does`.
#[must_use]
pub fn helpers() -> Vec<Helper> {
    let mut helpers = Vec::new();
    let mut comment = String::new();
    for line in prelude().lines().chain([""]) {
        if let Some(text) = line.strip_prefix('#') {
            comment.push_str(text);
            continue;
        }
        let comment = std::mem::take(&mut comment);
        let helper = match line.strip_prefix("def ").and_then(|def| def.split_once(':')) {
            Some((call, _)) => Some((call, comment.as_str())),
            None => comment.trim_start().split_once(": ").filter(|(name, _)| is_name(name)),
        };
        helpers.extend(helper.filter(|(_, about)| !about.is_empty()).map(|(call, about)| Helper::new(call, about)));
    }
    helpers
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

impl Helper {
    fn new(call: &str, about: &str) -> Self {
        let sentence = about.split(". ").next().unwrap_or_default().trim().trim_end_matches('.');
        Self { call: call.trim().to_owned(), about: sentence.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_the_prelude_documents_is_there() {
        let helpers = helpers();
        let calls: Vec<&str> = helpers.iter().map(|helper| helper.call.as_str()).collect();
        for call in [
            "refuse($reason)",
            "text",
            "number",
            "filled",
            "instant_in($forms)",
            "money",
            "stable_id",
            "lookup($name; $column; $value)",
        ] {
            assert!(calls.contains(&call), "{call}: {calls:?}");
        }
        let defs: Vec<&str> = prelude().lines().filter_map(|line| line.strip_prefix("def ")?.split(['(', ':']).next()).collect();
        for def in &defs {
            assert!(calls.iter().any(|call| call.split('(').next() == Some(def)), "{def} has no comment");
        }
        assert_eq!(helpers[0].about, "Refuses the row as a whole, with a reason that is counted and kept");
        assert!(helpers.iter().all(|helper| !helper.about.is_empty() && !helper.about.contains('\n')));
    }
}
