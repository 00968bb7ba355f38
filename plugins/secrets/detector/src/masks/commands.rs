//! Credentials that commands are given.

use std::sync::LazyLock;

use super::{
    Mask, Pattern, groups, is_placeholder,
    names::{REASON, is_value, pattern},
};

/// An option that goes by the name of a secret.
static OPTION: Pattern = LazyLock::new(|| {
    pattern(r#"(?i)(?:^|[\s"'`(])--?[\w-]{0,40}NAME[ =]["']?([^\s"'`<>;,&|()\[\]{}\\-][^\s"'`;,&|()\[\]{}\\]*)"#)
});

/// Options whose letter means a password to the command that has it.
static LETTER: Pattern = LazyLock::new(|| {
    let commands = [
        r#"\bcurl\b[^\n]*?\s(?:-u|-U|--user|--proxy-user)[ =]{0,2}["']?[^\s:"']{1,80}:([^\s"']+)"#,
        r#"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n]*?\s-p([^\s"']+)"#,
        r#"\b(?:docker|podman)\s+login\b[^\n]*?\s-p[ =]?["']?([^\s"']+)"#,
        r#"\bredis-cli\b[^\n]*?\s-a\s+["']?([^\s"']+)"#,
        r#"\bsshpass\s+-p\s*["']?([^\s"']+)"#,
    ];
    pattern(&commands.join("|"))
});

/// The credentials in the commands of a text.
pub(super) fn masks(text: &str) -> Vec<Mask> {
    let found = groups(&OPTION, text).chain(groups(&LETTER, text));
    found
        .filter(|range| is_value(&text[range.clone()]) && !is_placeholder(&text[range.clone()]))
        .map(|range| Mask { reason: REASON, range })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> Vec<&str> {
        masks(text).into_iter().map(|mask| &text[mask.range]).collect()
    }

    #[test]
    fn what_a_command_is_given_is_masked() {
        for text in [
            "login --password swordfish --verbose",
            "login --api-key=swordfish",
            "login --client-secret 'swordfish'",
            "curl -s -u admin:swordfish https://example.org",
            "mysql -uroot -pswordfish shop",
            "docker login -u ci -p swordfish registry.example",
            "redis-cli -h cache -a swordfish ping",
            "sshpass -p swordfish ssh host",
        ] {
            assert_eq!(masked(text), ["swordfish"], "{text}");
        }
    }

    #[test]
    fn what_is_no_value_stays() {
        for text in [
            "docker login --password-stdin",
            "login --token -v",
            "login --token $TOKEN",
            "mkdir -p build && mysql -u root -p shop",
            "curl -u $USER:$PASSWORD https://example.org",
            "x-api-key header is required",
        ] {
            assert_eq!(masked(text), [""; 0], "{text}");
        }
    }
}
