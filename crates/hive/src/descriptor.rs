//! Self-relative security descriptors: what a new key inherits from its parent.

use winkiln_security::{Domains, Objects, from_sddl, validate};

/// The descriptor of a new key below a key with the descriptor `parent`.
///
/// Owner and group are the parent's, since no user creates the key. A parent that passes nothing on, or whose descriptor cannot be
/// understood, lends its own rights, which gives nobody more than the parent does.
pub(crate) fn inherit(parent: &[u8]) -> Vec<u8> {
    let inherited = winkiln_security::inherit(parent, parent, Objects::Keys, true);
    inherited.unwrap_or_else(|_| parent.to_vec())
}

/// True when a descriptor can be taken apart.
pub(crate) fn is_well_formed(bytes: &[u8]) -> bool {
    validate(bytes).is_ok()
}

/// The descriptor of a new hive's root: owned by Administrators, who have full access as SYSTEM has; Users may read.
pub(crate) fn for_new_hive() -> Vec<u8> {
    from_sddl("O:BAG:SYD:(A;CI;KA;;;BA)(A;CI;KA;;;SY)(A;CI;KR;;;BU)", Domains::default())
        .unwrap_or_default()
}
