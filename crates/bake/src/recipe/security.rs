//! Texts of security descriptors in a recipe.

use winkiln_ntfs::security::{Domains, SecurityError, from_sddl};

/// Stands for identifiers that only the guest tells: S-1-5-21-0-0-0.
const PLACEHOLDER: &[u8] =
    &[1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Checks that a text is one, whatever accounts of a guest it names.
pub(super) fn check(text: &str) -> Result<(), SecurityError> {
    let domains = Domains { machine: Some(PLACEHOLDER), domain: Some(PLACEHOLDER), forest: None };
    from_sddl(text, domains).map(drop)
}
