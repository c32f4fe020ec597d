//! Descriptors of files and folders.

use winkiln_security::{
    Domains, Lists, Objects, ParentChange, SecurityError, from_sddl, owner_and_group, replace_parts,
};

/// A descriptor of a file as a line of SDDL, such as `O:BAG:SYD:AI(A;OICIID;FA;;;BA)`.
///
/// # Errors
/// As [`winkiln_security::to_sddl`].
pub fn to_sddl(descriptor: &[u8]) -> Result<String, SecurityError> {
    winkiln_security::to_sddl(Objects::Files, descriptor)
}

/// The descriptor of a new file or folder whose creator names none: what the parent passes on.
///
/// The creator is taken to be the system itself, as when Windows sets itself up: the owner is BUILTIN\Administrators (S-1-5-32-544),
/// the default owner in LocalSystem's token up to Windows 7 (Windows 10 makes LocalSystem the owner), and the group is LocalSystem
/// (S-1-5-18), its primary group. A parent that passes nothing on gives full access to LocalSystem and Administrators, and none to
/// others.
///
/// # Errors
/// As [`winkiln_security::inherit`].
///
/// Source: files on volumes of Windows Server 2003, 7 and 10.
pub fn inherit(parent: &[u8], is_directory: bool) -> Result<Vec<u8>, SecurityError> {
    winkiln_security::inherit(parent, &token(is_directory)?, Objects::Files, is_directory)
}

/// The descriptor of a new file or folder whose creator names some parts: the others are as [`inherit`] makes them, for the owner and
/// the group that are named.
///
/// # Errors
/// As [`inherit`] and [`assign`].
pub fn create(parent: &[u8], given: &[u8], is_directory: bool) -> Result<Vec<u8>, SecurityError> {
    let mut token = token(is_directory)?;
    if let Some(people) = owner_and_group(given)? {
        token = replace_parts(&token, &people)?;
    }
    let base = winkiln_security::inherit(parent, &token, Objects::Files, is_directory)?;
    assign(&base, given, Some(parent), is_directory)
}

/// What the system's token gives to new files.
fn token(is_directory: bool) -> Result<Vec<u8>, SecurityError> {
    let flags = if is_directory { "OICI" } else { "" };
    let token = format!("O:BAG:SYD:(A;{flags};FA;;;SY)(A;{flags};FA;;;BA)");
    from_sddl(&token, Domains::default())
}

/// The descriptor of a file or folder that has, or would get, `base` and is given the parts of `given` in a folder with the descriptor
/// `parent`.
///
/// # Errors
/// As [`winkiln_security::assign`].
pub fn assign(
    base: &[u8],
    given: &[u8],
    parent: Option<&[u8]>,
    is_directory: bool,
) -> Result<Vec<u8>, SecurityError> {
    winkiln_security::assign(base, given, parent, Objects::Files, is_directory)
}

/// What becomes of the descriptor of a file or folder when that of its folder changes.
///
/// # Errors
/// As [`winkiln_security::propagate`].
pub fn propagate(
    child: &[u8],
    change: ParentChange<'_>,
    is_directory: bool,
) -> Result<(Vec<u8>, Lists), SecurityError> {
    winkiln_security::propagate(child, change, Objects::Files, is_directory)
}
