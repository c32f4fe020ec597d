//! Paths inside a volume, as claims spell them.

/// A path taken apart: `C:\Windows\x`, `\Windows\x`, `/Windows/x` and `Windows/x` are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InnerPath {
    /// From the root; empty for the root itself.
    pub(crate) components: Vec<String>,
    /// Alternate data stream; empty for the unnamed one.
    pub(crate) stream: String,
}

impl InnerPath {
    /// Takes `path` apart.
    pub(crate) fn parse(path: &str) -> Self {
        let mut characters = path.chars();
        let drive = characters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && characters.next() == Some(':')
            && matches!(characters.next(), None | Some('\\' | '/'));
        let path = if drive { path.get(2..).unwrap_or_default() } else { path };
        let mut components: Vec<String> = path
            .split(['\\', '/'])
            .filter(|component| !component.is_empty())
            .map(str::to_owned)
            .collect();
        let mut stream = String::new();
        if let Some(last) = components.last_mut()
            && let Some((file, name)) = last.split_once(':')
        {
            stream = name.to_owned();
            *last = file.to_owned();
        }
        Self { components, stream }
    }

    /// Spelt for readers that want `/`.
    pub(crate) fn with_slashes(&self) -> String {
        self.components.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, components: &[&str], stream: &str) {
        let parsed = InnerPath::parse(path);
        assert_eq!(parsed.components, components, "{path}");
        assert_eq!(parsed.stream, stream, "{path}");
    }

    #[test]
    fn spellings_mean_the_same() {
        check(r"C:\Windows\x", &["Windows", "x"], "");
        check(r"\Windows\x", &["Windows", "x"], "");
        check("/Windows/x", &["Windows", "x"], "");
        check("Windows/x", &["Windows", "x"], "");
        check("c:", &[], "");
        check(r"\", &[], "");
        check("", &[], "");
        check(r"\a\b.txt:zone", &["a", "b.txt"], "zone");
        check("C:notes", &["C"], "notes");
    }
}
