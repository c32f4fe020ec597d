//! What the folders of a package say of its Windows: a hint, never a proof.

use crate::target::Release;
use crate::{Package, Target};

/// How well a folder's name suits a Windows; the greater the better. Folders that say nothing are between those for this or an
/// earlier release and those for a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hint {
    /// The folder is named after a later release.
    Later,
    /// No folder is named after a release.
    None,
    /// The folder is named after this release or an earlier one.
    Suits {
        /// It is of the same kind: client or server.
        same_kind: bool,
        /// Its version.
        version: (u32, u32),
        /// Its first build.
        build: u32,
    },
}

impl Package {
    /// What the folders above the INF say, the innermost first.
    #[must_use]
    pub fn hint(&self, target: &Target) -> Hint {
        let Some(release) = self.folder().rsplit('/').find_map(Release::named) else {
            return Hint::None;
        };
        let Release { version, first: build, server, .. } = *release;
        // XP for x64 is of the version of Server 2003.
        if (version, build) > (target.version, target.build) {
            return Hint::Later;
        }
        let same_kind = server == target.product_type.is_server();
        Hint::Suits { same_kind, version, build }
    }
}
