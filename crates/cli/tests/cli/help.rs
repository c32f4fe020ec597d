//! The whole help tree, as one checked-in text. `WINKILN_UPDATE_SNAPSHOTS=1` writes it anew.

use std::path::Path;

use crate::env::winkiln;

#[test]
fn the_help_tree_is_as_checked_in() {
    let mut tree = String::new();
    describe(&[], &mut tree);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/help.txt");
    if std::env::var_os("WINKILN_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, &tree).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    for (number, (now, before)) in tree.lines().zip(checked_in.lines()).enumerate() {
        assert_eq!(now, before, "line {} of {}", number + 1, file.display());
    }
    assert_eq!(tree.lines().count(), checked_in.lines().count());
}

/// Adds the help of a command and of all below it.
fn describe(command: &[&str], tree: &mut String) {
    let help = winkiln(&[command, &["--help"]].concat()).ok();
    tree.push_str(&format!("$ winkiln {}\n", [command, &["--help"]].concat().join(" ")));
    for line in help.lines() {
        tree.push_str(line.trim_end());
        tree.push('\n');
    }
    tree.push('\n');
    let below: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    for name in below {
        describe(&[command, &[name]].concat(), tree);
    }
}
