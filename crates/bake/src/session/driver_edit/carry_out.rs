//! Carrying out what adding a package means.

use winkiln_drivers::inf::Existing;
use winkiln_drivers::staging::{Edit, Guest, Value};
use winkiln_hive::{ValueType, strings};
use winkiln_trust::pe::{FileVersion, Image};

use super::super::Session;
use crate::drivers::Contents;
use crate::image_path::ImagePath;
use crate::step;
use crate::value_text::{multi_data, string_data};
use crate::{BakeError, Step};

/// Bytes of a program of the guest whose version is asked for.
pub(in crate::session) const PROGRAM_BYTES_MAX: u64 = 1 << 30;

impl Session {
    /// Does one thing, unless it is so already.
    pub(super) fn carry_out(
        &mut self,
        edit: &Edit,
        contents: &Contents,
        guest: &Guest,
    ) -> Result<(), BakeError> {
        match edit {
            Edit::PutFile { to, from, existing, keeps_newer } => {
                self.put_driver_file(to, from, *existing, *keeps_newer, contents)
            }
            Edit::CreateKey { key } => self.create_key(key),
            Edit::DeleteKey { key } => self.edit_registry(&Step::DeleteKey { key: key.clone() }),
            Edit::SetValue { key, name, value, existing } => {
                let is_there = match existing {
                    Existing::Replace => None,
                    Existing::Keep | Existing::Only => Some(self.value_of(key, name)?.is_some()),
                };
                let (kind, bytes) = self.stored(value)?;
                match (existing, is_there) {
                    (Existing::Keep, Some(true)) | (Existing::Only, Some(false)) => {
                        self.ledger.unchanged += 1;
                        Ok(())
                    }
                    _ => self.set_value(key, name, kind, &bytes),
                }
            }
            Edit::AppendStrings { key, name, strings } => self.change_strings(key, name, |list| {
                for string in strings {
                    if !list.iter().any(|known| same(known, string)) {
                        list.push(string.clone());
                    }
                }
            }),
            Edit::InsertString { key, name, string, before } => {
                self.change_strings(key, name, |list| {
                    if !list.iter().any(|known| same(known, string)) {
                        let place = list.iter().position(|known| same(known, before));
                        list.insert(place.unwrap_or(0), string.clone());
                    }
                })
            }
            Edit::DeleteString { key, name, string } => {
                if self.value_of(key, name)?.is_none() {
                    self.ledger.unchanged += 1;
                    return Ok(());
                }
                self.change_strings(key, name, |list| list.retain(|known| !same(known, string)))
            }
            Edit::AppendPath { key, name, path, first } => {
                self.append_path(key, name, path, first, guest)
            }
            Edit::DeleteValue { key, name } => {
                let (key, name) = (key.clone(), name.clone());
                self.edit_registry(&Step::DeleteValue { key, name })
            }
            Edit::Bits { key, name, byte, mask, set } => {
                let Some((kind, mut data)) = self.value_of(key, name)? else {
                    self.ledger.unchanged += 1;
                    return Ok(());
                };
                if let Some(byte) = data.get_mut(*byte as usize) {
                    *byte = if *set { *byte | mask } else { *byte & !mask };
                }
                self.set_value(key, name, kind, &data)
            }
        }
    }

    fn put_driver_file(
        &mut self,
        to: &str,
        from: &str,
        existing: Existing,
        keeps_newer: bool,
        contents: &Contents,
    ) -> Result<(), BakeError> {
        let volume = self.windows()?.volume;
        let path = ImagePath::parse_entry(to)?.path;
        let found = self.metadata(volume, &path)?;
        let is_there = found.is_some();
        let stays = match existing {
            Existing::Replace => false,
            Existing::Keep => is_there,
            Existing::Only => !is_there,
        };
        if stays {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        let bytes = contents.bytes.get(from).cloned().unwrap_or_default();
        if keeps_newer && is_there {
            let there = self.read(volume, &path, PROGRAM_BYTES_MAX)?;
            if file_version(&there) > file_version(&bytes) {
                self.warn(format!("{path} stays: the guest has a higher version"));
                self.ledger.unchanged += 1;
                return Ok(());
            }
        }
        // Its other names, in the driver store or in WinSxS, keep what they have.
        if found.is_some_and(|found| !found.is_directory && found.links > 1)
            && !self.has_file_as(volume, &path, &bytes)?
        {
            self.remove_from(volume, &path, false)?;
        }
        self.write_file(volume, &path, &step::Contents::Bytes(bytes), true)
    }

    fn change_strings(
        &mut self,
        key: &str,
        name: &str,
        change: impl FnOnce(&mut Vec<String>),
    ) -> Result<(), BakeError> {
        let found = self.value_of(key, name)?;
        let mut list = found.map(|(_, data)| strings(&data)).unwrap_or_default();
        change(&mut list);
        self.set_value(key, name, ValueType::MultiSz, &multi_data(&list)?)
    }

    /// Adds a path to a list of paths, where Windows looks into each.
    fn append_path(
        &mut self,
        key: &str,
        name: &str,
        path: &str,
        first: &str,
        guest: &Guest,
    ) -> Result<(), BakeError> {
        let found = self.value_of(key, name)?;
        // In a plain string variables mean nothing, which is none of ours to change.
        let is_plain = found.as_ref().is_some_and(|(kind, _)| *kind == ValueType::Sz);
        let variable = "%SystemRoot%";
        let path = match path.strip_prefix(variable).filter(|_| is_plain) {
            Some(rest) => format!("{}{rest}", guest.system_root_path),
            None => path.to_owned(),
        };
        let found = found.and_then(|(_, data)| strings(&data).into_iter().next());
        let mut text =
            found.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| first.to_owned());
        let plain = |text: &str| {
            let text = text.trim().trim_end_matches('\\').to_lowercase();
            text.replace("%systemroot%", &guest.system_root_path.to_lowercase())
        };
        if !text.split(';').any(|known| plain(known) == plain(&path)) {
            text = format!("{};{path}", text.trim_end_matches(';'));
        }
        let kind = if is_plain { ValueType::Sz } else { ValueType::ExpandSz };
        self.set_value(key, name, kind, &string_data(&text))
    }

    /// The type and the bytes of a value.
    fn stored(&mut self, value: &Value) -> Result<(ValueType, Vec<u8>), BakeError> {
        Ok(match value {
            Value::Data { kind, bytes } => (ValueType::from_raw(*kind), bytes.clone()),
            Value::Descriptor { kind, sddl } => {
                (ValueType::from_raw(*kind), self.descriptor(sddl)?)
            }
        })
    }
}

/// The version of a program; `None` when it tells none.
fn file_version(bytes: &[u8]) -> Option<FileVersion> {
    Image::parse(bytes).ok()?.file_version()
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}
