//! The known name nearest to a misspelt one.

/// The known name that `name` most likely means: equal but for case, within a third of its letters of it, or begun by it.
pub(crate) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let name: String = name.chars().take(64).collect::<String>().to_lowercase();
    let (best, distance) = known
        .iter()
        .map(|candidate| (*candidate, distance(&name, candidate)))
        .min_by_key(|(_, distance)| *distance)?;
    if distance <= (best.len() / 3).max(1) {
        return Some(best);
    }
    known.iter().find(|candidate| name.len() >= 3 && candidate.starts_with(&name)).copied()
}

/// Levenshtein's distance: single-letter insertions, deletions and replacements.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distances_count_edits() {
        for (left, right, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("rdp", "rpd", 2),
            ("a", "a", 0),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn a_typo_finds_its_name_and_nonsense_finds_none() {
        let known = ["acpi-shutdown", "tcp-tuning", "rdp", "pae"];
        assert_eq!(nearest("acpi-shutdwon", &known), Some("acpi-shutdown"));
        assert_eq!(nearest("ACPI-Shutdown", &known), Some("acpi-shutdown"));
        assert_eq!(nearest("tcp", &known), Some("tcp-tuning"));
        assert_eq!(nearest("telemetry", &known), None);
    }
}
