//! Descriptors of files and folders.

use winkiln_security::{Objects, SecurityError};

/// A descriptor of a file as a line of SDDL, such as `O:BAG:SYD:AI(A;OICIID;FA;;;BA)`.
///
/// # Errors
/// As [`winkiln_security::to_sddl`].
pub fn to_sddl(descriptor: &[u8]) -> Result<String, SecurityError> {
    winkiln_security::to_sddl(Objects::Files, descriptor)
}

/// A descriptor whose entries hold file rights in place of generic ones, as the system stores it on a file.
///
/// # Errors
/// As [`winkiln_security::for_object`].
pub fn for_file(descriptor: &[u8]) -> Result<Vec<u8>, SecurityError> {
    winkiln_security::for_object(Objects::Files, descriptor)
}
