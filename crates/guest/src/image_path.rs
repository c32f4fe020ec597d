//! `ImagePath` of a service: where its file lies.

/// The path on the system volume that an `ImagePath` names; `None` when it lies on another drive.
///
/// A service without one has its driver in `System32\drivers`.
/// Source: Microsoft, "CurrentControlSet\Services Subkeys": a relative path is relative to the Windows folder.
#[must_use]
pub fn resolve(service: &str, image_path: Option<&str>, system_root: &str) -> Option<String> {
    let Some(path) = image_path.filter(|path| !path.trim().is_empty()) else {
        return Some(format!(r"{system_root}\System32\drivers\{service}.sys"));
    };
    let path = path.trim();
    // Arguments follow the program: a quoted program ends at the quote.
    let path = match path.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => path,
    };
    let path = without_prefix(path, r"\??\").unwrap_or(path);
    for root in [r"\SystemRoot\", r"%SystemRoot%\", r"%windir%\"] {
        if let Some(rest) = without_prefix(path, root) {
            return Some(format!(r"{system_root}\{rest}"));
        }
    }
    if let Some(rest) = without_prefix(path, r"%SystemDrive%\") {
        return Some(format!(r"\{rest}"));
    }
    // The letter of the system drive is not known offline; other letters are other volumes.
    let mut characters = path.chars();
    if characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.next() == Some(':')
    {
        let rest = path.get(2..)?;
        return without_prefix(path, "c:").is_some().then(|| rest.to_owned());
    }
    if path.starts_with('\\') {
        return Some(path.to_owned());
    }
    Some(format!(r"{system_root}\{path}"))
}

/// `text` without `prefix`, compared without regard to case.
fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image_path: Option<&str>, expected: Option<&str>) {
        let found = resolve("viostor", image_path, r"\WINNT");
        assert_eq!(found.as_deref(), expected, "{image_path:?}");
    }

    #[test]
    fn every_spelling_is_resolved() {
        let driver = Some(r"\WINNT\System32\drivers\viostor.sys");
        check(None, driver);
        check(Some("  "), driver);
        check(Some(r"System32\drivers\viostor.sys"), driver);
        check(Some(r"\SystemRoot\System32\drivers\viostor.sys"), driver);
        check(Some(r"%systemroot%\System32\drivers\viostor.sys"), driver);
        check(Some(r"\??\C:\WINNT\System32\drivers\viostor.sys"), driver);
        check(Some("\"C:\\Program Files\\a b.exe\" /x"), Some(r"\Program Files\a b.exe"));
        check(Some(r"%SystemDrive%\x.sys"), Some(r"\x.sys"));
        check(Some(r"\??\D:\x.sys"), None);
        check(Some(r"\x.sys"), Some(r"\x.sys"));
        check(Some("é"), Some(r"\WINNT\é"));
    }
}
