//! Passwords in commands that take them as a short option, such as `curl -u` and `mysql -p`.

use super::{
    names::{REASON, is_value},
    shapes::{Reach, Shape, Shapes},
};

/// The commands and their password options.
pub(super) static COMMANDS: Shapes = Shapes {
    reason: REASON,
    words: &[
        "curl ",
        "mysql",
        "mariadb",
        "docker login",
        "podman login",
        "redis-cli",
        "sshpass",
    ],
    reach: Reach::Far,
    shapes: &[Shape {
        pattern: r#"(?x)
            curl \b [^\n]*? \s (?:-u|-U|--user|--proxy-user) [\ =]{0,2} ["']? [^\s:"']{1,80} : ([^\s"']+)
            | (?:mysql(?:dump|admin)?|mariadb) \b [^\n]*? \s -p ([^\s"']+)
            | (?:docker|podman) \s login \b [^\n]*? \s -p [\ =]? ["']? ([^\s"']+)
            | redis-cli \b [^\n]*? \s -a \s+ ["']? ([^\s"']+)
            | sshpass \s+ -p \s* ["']? ([^\s"']+)"#,
        fits: |found| is_value(found.value),
    }],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masks::{checks::are_left_alone, shapes::Search};

    fn masked(text: &str) -> Vec<&str> {
        static SEARCH: Search = Search::new(&[&COMMANDS]);
        SEARCH.masked(text)
    }

    #[test]
    fn passwords_of_commands_are_masked() {
        for text in [
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
    fn other_options_stay() {
        let texts = [
            "mkdir -p build && mysql -u root -p shop",
            "curl -u $USER:$PASSWORD https://example.org",
            "docker login --password-stdin",
        ];
        are_left_alone(masked, &texts);
    }
}
