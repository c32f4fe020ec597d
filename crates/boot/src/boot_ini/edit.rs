//! Edits of a `boot.ini`: each changes one place and keeps every other byte.

use super::layout::{Key, Layout, Slot};
use super::line::{self, Line};
use super::{BootIni, BootIniError, entry, is_arc_path, lossy, switch};

impl BootIni {
    /// Adds a switch to an entry, at its end. Returns false when it has it already (case-insensitive, whole switch).
    ///
    /// A switch with a value replaces one of the same name: NTLDR would go on using the first of two.
    ///
    /// # Errors
    /// [`BootIniError::BadSwitch`], [`BootIniError::NoSuchEntry`], [`BootIniError::UnclosedQuote`].
    pub fn add_switch(&mut self, entry: usize, switch: &str) -> Result<bool, BootIniError> {
        switch::check(switch)?;
        let layout = self.layout();
        let slot = editable(&layout, entry)?;
        let text = &mut self.lines[slot.line].text;
        Ok(put_switch(text, slot, switch))
    }

    /// Removes a switch (by whole text, or by the part before `=` when `switch` has none), with the space before it.
    /// Returns false when absent.
    ///
    /// # Errors
    /// [`BootIniError::BadSwitch`], [`BootIniError::NoSuchEntry`], [`BootIniError::UnclosedQuote`].
    pub fn remove_switch(&mut self, entry: usize, switch: &str) -> Result<bool, BootIniError> {
        switch::check(switch)?;
        let layout = self.layout();
        let slot = editable(&layout, entry)?;
        let text = &mut self.lines[slot.line].text;
        let mut removed = false;
        for span in slot.spans.switches.iter().rev() {
            if !switch::matches(entry::bytes(text, span), switch.as_bytes()) {
                continue;
            }
            let before = text[..span.start].trim_ascii_end().len();
            let start = before.max(slot.spans.after_description);
            text.drain(start..span.end);
            removed = true;
        }
        Ok(removed)
    }

    /// Puts a copy of the default entry with ` (PV drivers)`-like suffix and a switch first on its path, so that NTLDR
    /// takes it as default, and the original right after it. Returns false when an entry with that path and switch
    /// already is the default.
    ///
    /// An equal copy that stands further down is moved up instead.
    ///
    /// # Errors
    /// [`BootIniError::BadSwitch`], [`BootIniError::BadDescription`], [`BootIniError::UnclosedQuote`],
    /// [`BootIniError::DefaultNotListed`], [`BootIniError::DefaultNotWindows`].
    pub fn add_default_copy(
        &mut self,
        description_suffix: &str,
        switch: &str,
    ) -> Result<bool, BootIniError> {
        switch::check(switch)?;
        check_suffix(description_suffix)?;
        let layout = self.layout();
        let default = match self.default_bytes(&layout) {
            None => 0,
            Some(path) => self
                .listed_default(&layout)
                .ok_or_else(|| BootIniError::DefaultNotListed { path: lossy(path) })?,
        };
        let slot = editable(&layout, default)?;
        let original = &self.line(slot.line).text;
        let path = entry::bytes(original, &slot.spans.path);
        if !is_arc_path(path) {
            return Err(BootIniError::DefaultNotWindows { path: lossy(path) });
        }
        let mut copy = original.clone();
        if !put_switch(&mut copy, slot, switch) {
            return Ok(false);
        }
        let end = slot.spans.description.end;
        copy.splice(end..end, description_suffix.bytes());

        let at = slot.line;
        let below = layout.entries.iter().skip(default + 1).map(|slot| slot.line);
        let mut ending = line::usual_ending(&self.lines);
        if let Some(found) = below.into_iter().find(|line| self.line(*line).text == copy) {
            ending = self.take_line(found).ending;
        }
        if ending.is_empty() {
            ending = line::usual_ending(&self.lines);
        }
        self.lines.insert(at, Line { text: copy, ending });
        Ok(true)
    }

    /// Puts a copy of an entry with another description behind the last entry, as `bootcfg /copy` does.
    ///
    /// # Errors
    /// [`BootIniError::BadDescription`], [`BootIniError::NoSuchEntry`], [`BootIniError::UnclosedQuote`].
    pub fn copy_entry(&mut self, entry: usize, description: &str) -> Result<(), BootIniError> {
        check_suffix(description)?;
        let layout = self.layout();
        let slot = editable(&layout, entry)?;
        let mut copy = self.line(slot.line).text.clone();
        let quoted = format!("\"{description}\"");
        // An entry without a description has none to replace.
        let span = slot.spans.description.clone();
        let bare = copy.get(span.start.wrapping_sub(1)) != Some(&b'"');
        let text = if bare { quoted.as_str() } else { description };
        copy.splice(span, text.bytes());
        let last = layout.entries.last().map_or(slot.line, |slot| slot.line);
        let ending = line::usual_ending(&self.lines);
        let before = &mut self.lines[last];
        let ending = match before.ending {
            b"" => std::mem::replace(&mut before.ending, ending),
            _ => ending,
        };
        self.lines.insert(last + 1, Line { text: copy, ending });
        Ok(())
    }

    /// Sets the menu timeout in seconds (-1 waits for ever). Returns false when it is already so.
    pub fn set_timeout(&mut self, seconds: i32) -> bool {
        if self.timeout() == Some(seconds) {
            return false;
        }
        let layout = self.layout();
        self.set_key(&layout, "timeout", seconds.to_string().as_bytes());
        true
    }

    /// Sets `redirect=`, the serial port of Emergency Management Services, such as `COM1`. Returns false when it is already so.
    pub fn set_redirect(&mut self, port: &str) -> bool {
        let layout = self.layout();
        let is_so = |key: &Key| {
            let line = self.lines.get(key.line);
            let value = line.and_then(|line| line.text.get(key.value.clone()));
            value.is_some_and(|value| value.eq_ignore_ascii_case(port.as_bytes()))
        };
        if layout.redirect.as_ref().is_some_and(is_so) {
            return false;
        }
        self.set_key(&layout, "redirect", port.as_bytes());
        true
    }

    /// Makes an entry the default: `default=` names its path, and it stands first among the entries of that path.
    /// Returns false when it is already so.
    ///
    /// # Errors
    /// [`BootIniError::NoSuchEntry`].
    pub fn set_default(&mut self, entry: usize) -> Result<bool, BootIniError> {
        let layout = self.layout();
        let slot = slot(&layout, entry)?;
        if self.default_path().is_some() && self.listed_default(&layout) == Some(entry) {
            return Ok(false);
        }
        let path_of = |slot: &Slot| entry::bytes(&self.line(slot.line).text, &slot.spans.path);
        let path = path_of(slot).to_vec();
        let first = layout.entries.iter().find(|slot| path_of(slot).eq_ignore_ascii_case(&path));
        if let Some(first) = first.filter(|first| first.line < slot.line) {
            let at = first.line;
            let mut moved = self.take_line(slot.line);
            if moved.ending.is_empty() {
                moved.ending = line::usual_ending(&self.lines);
            }
            self.lines.insert(at, moved);
        }
        let layout = self.layout();
        let named = self.default_bytes(&layout).is_some_and(|old| old.eq_ignore_ascii_case(&path));
        if !named {
            self.set_key(&layout, "default", &path);
        }
        Ok(true)
    }

    /// Takes a line out. When it was the last one and had no line end, the new last one gives its own up.
    fn take_line(&mut self, index: usize) -> Line {
        let taken = self.lines.remove(index);
        if taken.ending.is_empty()
            && let Some(last) = self.lines.last_mut()
        {
            last.ending = b"";
        }
        taken
    }

    /// Sets a key of `[boot loader]`, adding the line, and the section where there is none.
    fn set_key(&mut self, layout: &Layout, name: &str, value: &[u8]) {
        let key = match name {
            "timeout" => &layout.timeout,
            "redirect" => &layout.redirect,
            _ => &layout.default,
        };
        if let Some(key) = key {
            self.lines[key.line].text.splice(key.value.clone(), value.iter().copied());
            return;
        }
        let ending = line::usual_ending(&self.lines);
        let text = [name.as_bytes(), b"=", value].concat();
        let neighbour = layout.timeout.as_ref().or(layout.default.as_ref()).map(|key| key.line);
        let at = match neighbour.or(layout.boot_loader) {
            Some(line) => line + 1,
            None => {
                self.lines.insert(0, Line { text: b"[boot loader]".to_vec(), ending });
                1
            }
        };
        // Behind a last line without an end, the new one is the last.
        let before = at.checked_sub(1).and_then(|before| self.lines.get_mut(before));
        let ending = match before {
            Some(last) if last.ending.is_empty() => std::mem::replace(&mut last.ending, ending),
            _ => ending,
        };
        self.lines.insert(at, Line { text, ending });
    }
}

fn slot(layout: &Layout, entry: usize) -> Result<&Slot, BootIniError> {
    let count = layout.entries.len();
    layout.entries.get(entry).ok_or(BootIniError::NoSuchEntry { entry, count })
}

/// The slot of an entry whose switches can be told from its description.
fn editable(layout: &Layout, entry: usize) -> Result<&Slot, BootIniError> {
    let slot = slot(layout, entry)?;
    if slot.spans.unclosed {
        return Err(BootIniError::UnclosedQuote { entry });
    }
    Ok(slot)
}

/// Puts a checked switch into an entry's line. Returns false when the line has it.
fn put_switch(text: &mut Vec<u8>, slot: &Slot, switch: &str) -> bool {
    let asked = switch.as_bytes();
    let spans = &slot.spans;
    // Of two switches that set the same thing the first one counts.
    let rival = spans.switches.iter().find(|span| {
        let present = entry::bytes(text, span);
        present.eq_ignore_ascii_case(asked) || switch::same_setting(present, asked)
    });
    if let Some(span) = rival {
        if entry::bytes(text, span).eq_ignore_ascii_case(asked) {
            return false;
        }
        text.splice(span.clone(), asked.iter().copied());
    } else {
        let end = spans.switches.last().map_or(spans.after_description, |span| span.end);
        text.splice(end..end, [b" ", asked].concat());
    }
    true
}

fn check_suffix(suffix: &str) -> Result<(), BootIniError> {
    let bad = |reason| Err(BootIniError::BadDescription { text: suffix.to_owned(), reason });
    if suffix.chars().any(|c| !c.is_ascii() || c.is_control()) {
        return bad("it must be plain ASCII without control characters");
    }
    if suffix.contains(['"', '/']) {
        return bad("it must not contain quotes or /");
    }
    Ok(())
}
