//! Symbolic links between keys.
//!
//! Source: Microsoft, "RegCreateKeyEx" (`REG_OPTION_CREATE_LINK`, `REG_OPTION_OPEN_LINK`); M. Suhanov, "Windows registry file
//! format specification", "Key node" (flag `KEY_SYM_LINK`).

use super::{Hive, KeyId, NewValue, ValueSet, components};
use crate::cell::CellOffset;
use crate::edit;
use crate::error::HiveError;
use crate::key_node::{KeyNode, SYM_LINK};
use crate::name;
use crate::subkey_list;
use crate::value::ValueType;

/// The value that holds the target of a link: UTF-16 without a NUL at its end.
pub const LINK_VALUE: &str = "SymbolicLinkValue";

/// Where a walk along a path of keys came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Walk {
    /// The key at the end of the path.
    Key(KeyId),
    /// There is no such key.
    Missing,
    /// A symbolic link, to be followed by whoever knows where hives are mounted.
    Link {
        /// The link.
        link: KeyId,
        /// Where it leads, such as `\Registry\Machine\SOFTWARE\Classes`.
        target: String,
        /// What of the path is left behind the link, without separators at its ends.
        rest: String,
    },
}

impl Hive {
    /// Walks along a path as [`Hive::find`] does, up to the first symbolic link. With `open_link`, a link at the end of the
    /// path is a key like others.
    ///
    /// # Errors
    /// What is damaged on the way; [`HiveError::LinkTarget`] for a link without a target.
    pub fn walk(&self, from: KeyId, path: &str, open_link: bool) -> Result<Walk, HiveError> {
        let mut at = from.cell();
        let mut names = components(path).peekable();
        loop {
            let (node, _) = KeyNode::read(&self.cells, at)?;
            let at_end = names.peek().is_none();
            if node.has(SYM_LINK) && !(at_end && open_link) {
                let target = self.target(at)?;
                let rest: Vec<&str> = names.collect();
                return Ok(Walk::Link { link: KeyId(at.0), target, rest: rest.join("\\") });
            }
            let Some(name) = names.next() else { return Ok(Walk::Key(KeyId(at.0))) };
            match subkey_list::find(&self.cells, at, node, &name::upper(name))? {
                Some(subkey) => at = subkey,
                None => return Ok(Walk::Missing),
            }
        }
    }

    /// Where a symbolic link leads; `None` for a key that is none.
    ///
    /// # Errors
    /// When the key is damaged; [`HiveError::LinkTarget`] for a link without a target.
    pub fn link_target(&self, key: KeyId) -> Result<Option<String>, HiveError> {
        let (node, _) = KeyNode::read(&self.cells, key.cell())?;
        if node.has(SYM_LINK) { self.target(key.cell()).map(Some) } else { Ok(None) }
    }

    /// False when no key of the hive is a symbolic link, whatever path is walked.
    ///
    /// Looks at every cell the first time it is asked.
    #[must_use]
    pub fn may_hold_links(&self) -> bool {
        *self.links.get_or_init(|| {
            self.cells
                .allocated()
                .any(|at| KeyNode::read(&self.cells, at).is_ok_and(|(node, _)| node.has(SYM_LINK)))
        })
    }

    /// Makes a key that has neither subkeys nor values a symbolic link. Returns false when it is one to that target already;
    /// a link to another target is changed.
    ///
    /// # Errors
    /// [`HiveError::LinkTarget`] for a target that does not begin with a separator or holds a NUL,
    /// [`HiveError::NotEmpty`] for a key that holds something, [`HiveError::RootKey`]; when the hive is dirty or what is
    /// touched is damaged.
    pub fn make_link(&mut self, key: KeyId, target: &str, now: u64) -> Result<bool, HiveError> {
        self.refuse_dirty()?;
        if key.cell() == self.root {
            return Err(HiveError::RootKey);
        }
        let offset = key.in_file();
        if !target.starts_with('\\') || target.contains('\0') {
            return Err(HiveError::LinkTarget { offset });
        }
        let node = *KeyNode::read(&self.cells, key.cell())?.0;
        let is_link = node.has(SYM_LINK);
        if !is_link && (node.subkey_count.get() > 0 || node.values_listed() > 0) {
            return Err(HiveError::NotEmpty { offset });
        }
        let data: Vec<u8> = target.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let minor = self.minor;
        let changed = self.cells.edit(|cells| {
            let at = key.cell();
            let new = NewValue { name: LINK_VALUE, kind: ValueType::Link, data: &data };
            let set = edit::set_values(cells, at, &[new], minor, now)? != [ValueSet::Unchanged];
            if !is_link {
                let mut node = *KeyNode::read(cells, at)?.0;
                node.flags.set(node.flags.get() | SYM_LINK);
                node.write(cells, at)?;
            }
            Ok(set || !is_link)
        })?;
        self.links = true.into();
        self.edited |= changed;
        Ok(changed)
    }

    fn target(&self, at: CellOffset) -> Result<String, HiveError> {
        let fault = HiveError::LinkTarget { offset: at.in_file() };
        let value = self.value(KeyId(at.0), LINK_VALUE)?;
        let Some(value) = value.filter(|value| value.kind == ValueType::Link) else {
            return Err(fault);
        };
        let units: Vec<u16> = value
            .data
            .chunks_exact(2)
            .filter_map(|unit| unit.first_chunk::<2>())
            .map(|unit| u16::from_le_bytes(*unit))
            .collect();
        let text = String::from_utf16(&units).ok().filter(|_| value.data.len() % 2 == 0);
        let sound = |text: &String| text.starts_with('\\') && !text.contains('\0');
        text.filter(sound).ok_or(fault)
    }
}
