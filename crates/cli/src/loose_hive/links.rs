//! Symbolic links inside a loose hive, followed as far as they stay in it.

use winkiln_guest::native_key;
use winkiln_hive::Walk;

use super::{LooseHive, mount};
use crate::error::{CliError, Doing as _, Result};

/// Links followed for one key.
const LINKS_MAX: usize = 32;

impl LooseHive {
    /// Has a symbolic link at the end of a key be meant itself, not the key that it leads to.
    pub(crate) fn with_open_link(self, open_link: bool) -> Self {
        Self { open_link, ..self }
    }

    /// The full name and the path below the hive's root that a key means, through symbolic links.
    pub(super) fn place(&self, key: &str) -> Result<(String, String)> {
        let path = self.unfollowed(key)?;
        self.follow(key.to_owned(), path)
    }

    /// The path that a key means, before symbolic links are followed.
    pub(super) fn unfollowed(&self, key: &str) -> Result<String> {
        mount::locate(&self.hive, self.mount.as_deref(), key)
            .doing(|| format!("cannot place {key} in {}", self.path.display()))
    }

    /// Follows the links on the way to a key, given with its path.
    pub(super) fn follow(&self, key: String, path: String) -> Result<(String, String)> {
        if !self.hive.may_hold_links() {
            return Ok((key, path));
        }
        let (mut name, mut path) = (key.clone(), path);
        for _ in 0..=LINKS_MAX {
            let doing = || format!("cannot read {key} in {}", self.path.display());
            let walk = self.hive.walk(self.hive.root(), &path, self.open_link).doing(doing)?;
            let Walk::Link { target, rest, .. } = walk else { return Ok((name, path)) };
            let native = native_key(&target).map(|full| format!("{full}\\{rest}"));
            let full = native.as_deref().map(mount::full_name);
            let inside = self.mount.as_deref().zip(full.as_deref());
            let inside = inside.and_then(|(mount, full)| mount::inside(&self.hive, mount, full));
            let (Some(full), Some(inside)) = (full, inside) else {
                let said = format!("{key} leads through a symbolic link to {target}");
                return Err(match &self.mount {
                    Some(mount) => CliError::failed(format!(
                        "{said}, which is not in this hive ({mount}); \
                         edit it in its own hive, or in an image"
                    )),
                    None => CliError::failed(format!(
                        "{said}, and the hive's contents do not tell where it would be mounted"
                    ))
                    .hint(r"say so with --mount, such as --mount HKLM\SOFTWARE"),
                });
            };
            (name, path) = (full, inside);
        }
        Err(CliError::failed(format!("{key} leads through more than {LINKS_MAX} symbolic links")))
    }
}
