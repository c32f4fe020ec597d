//! The text of a switch, such as `/fastdetect` or `/debugport=com1`.

use super::BootIniError;

/// Checks that `switch` can stand in a line: `/`, a name, and nothing that would end it.
pub(super) fn check(switch: &str) -> Result<(), BootIniError> {
    let bad = |reason| Err(BootIniError::BadSwitch { switch: switch.to_owned(), reason });
    let Some(rest) = switch.strip_prefix('/') else { return bad("it must start with /") };
    if rest.chars().any(|c| c == ' ' || c.is_control()) {
        return bad("it must not contain spaces or control characters");
    }
    if rest.contains(['"', '/']) {
        return bad("it must not contain quotes or a second /");
    }
    if !rest.is_ascii() {
        return bad("it must be plain ASCII");
    }
    if name(rest.as_bytes()).is_empty() {
        return bad("it has no name");
    }
    Ok(())
}

/// The part before `=` or `:`.
pub(super) fn name(switch: &[u8]) -> &[u8] {
    let end = switch.iter().position(|byte| matches!(byte, b'=' | b':')).unwrap_or(switch.len());
    &switch[..end]
}

/// Tells whether a switch carries a value.
pub(super) fn has_value(switch: &[u8]) -> bool {
    name(switch).len() < switch.len()
}

/// Tells whether `present` is what `asked` means: the whole text, or the name when `asked` has no value.
pub(super) fn matches(present: &[u8], asked: &[u8]) -> bool {
    present.eq_ignore_ascii_case(asked)
        || (!has_value(asked) && name(present).eq_ignore_ascii_case(asked))
}

/// Tells whether two switches set the same thing to some value, so that only one of them can count.
pub(super) fn same_setting(a: &[u8], b: &[u8]) -> bool {
    has_value(a) && has_value(b) && name(a).eq_ignore_ascii_case(name(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_checked() {
        for good in ["/PAE", "/debugport=com1", "/safeboot:minimal", "/3GB"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "/", "PAE", "/a b", "/a\"", "/a\r\n/b", "/a/b", "/\u{e9}", "/=1", "/a\t"] {
            assert!(matches!(check(bad), Err(BootIniError::BadSwitch { .. })), "{bad:?}");
        }
    }

    #[test]
    fn names_match_values_when_none_is_asked() {
        assert!(matches(b"/DebugPort=com1", b"/debugport"));
        assert!(matches(b"/safeboot:minimal", b"/SAFEBOOT"));
        assert!(!matches(b"/debugport=com1", b"/debug"));
        assert!(!matches(b"/debugport=com1", b"/debugport=com2"));
        assert!(!matches(b"/redirectbaudrate=1", b"/redirect"));
    }
}
