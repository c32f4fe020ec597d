//! The modules that an image imports.

use super::{DIRECTORY_IMPORT, Image, u32_at};

/// Imported modules.
const MODULES_MAX: usize = 1024;
/// Longest name of a module.
const NAME_MAX: usize = 256;

impl Image<'_> {
    /// Names of the modules that the image imports from, as they are written. What cannot be read is left out.
    pub fn imports(&self) -> Vec<String> {
        let table =
            self.directory(DIRECTORY_IMPORT).and_then(|(address, _)| self.at_address(address));
        let Some(table) = table else { return Vec::new() };
        let mut names = Vec::new();
        for descriptor in table.chunks_exact(20).take(MODULES_MAX) {
            let name = u32_at(descriptor, 12).unwrap_or(0);
            if name == 0 {
                break;
            }
            let text = self.at_address(name).and_then(|bytes| {
                let end = bytes.iter().take(NAME_MAX).position(|byte| *byte == 0)?;
                std::str::from_utf8(&bytes[..end]).ok()
            });
            names
                .extend(text.filter(|text| !text.chars().any(char::is_control)).map(str::to_owned));
        }
        names
    }

    /// True when the image imports from a module of this name, in whatever case.
    pub fn imports_from(&self, module: &str) -> bool {
        self.imports().iter().any(|name| name.eq_ignore_ascii_case(module))
    }
}
