//! The step that has a command run at the guest's next start.

use winkiln_hive::ValueType;

use super::Session;
use crate::BakeError;
use crate::first_boot::{
    COMMAND_LINE, COMMANDS_MAX, Command, DONE, FOLDER, FirstBootError, SCRIPT, SETUP_KEY, parse,
    script,
};
use crate::step::Contents;
use crate::value_text::string_data;

/// Script and list of done commands are ours and small.
const BYTES_MAX: u64 = 8 << 20;

/// What the guest's `Setup` key says about the next start.
#[derive(Debug, PartialEq, Eq)]
enum NextStart {
    /// Nothing but the logon screen.
    Free,
    /// Our script.
    Ours,
    /// Setup is not finished, or somebody else's command waits.
    Taken,
}

impl Session {
    pub(super) fn add_first_boot(&mut self, command: &Command) -> Result<(), BakeError> {
        let next = self.next_start()?;
        let (guest, ..) = self.guest()?;
        let volume = guest.windows.volume;
        let folder = format!("{}\\{FOLDER}", guest.windows.system_root.trim_end_matches('\\'));
        let path = format!("{folder}\\{SCRIPT}");

        let done = self.read(volume, &format!("{folder}\\{DONE}"), BYTES_MAX)?;
        let id = command.id();
        let is_done = done.split(|byte| *byte == b'\n').any(|line| line.starts_with(id.as_bytes()));
        let mut commands = Vec::new();
        if next == NextStart::Ours {
            let present = self.read(volume, &path, BYTES_MAX)?;
            commands = parse(&present)
                .ok_or_else(|| FirstBootError::ForeignScript { path: path.clone() })?;
        }
        if is_done || commands.contains(command) {
            self.ledger.unchanged += 1;
            return Ok(());
        }
        if next == NextStart::Taken {
            self.warn(format!(
                "the guest has not finished its setup, so first-boot command {} was left out; run it by hand as an administrator: {}",
                command.name(),
                command.run()
            ));
            return Ok(());
        }
        if commands.len() == COMMANDS_MAX {
            return Err(BakeError::TooMuch { what: path, limit: "1000 first-boot commands" });
        }
        commands.push(command.clone());
        self.write_file(volume, &path, &Contents::Bytes(script(&commands)), true)?;
        if next == NextStart::Free {
            self.set_value(SETUP_KEY, "CmdLine", ValueType::Sz, &string_data(COMMAND_LINE))?;
            self.set_value(SETUP_KEY, "SetupType", ValueType::Dword, &2_u32.to_le_bytes())?;
        }
        Ok(())
    }

    fn next_start(&mut self) -> Result<NextStart, BakeError> {
        let mut number = |name: &str| -> Result<u32, BakeError> {
            Ok(match self.value_of(SETUP_KEY, name)? {
                Some((_, data)) => {
                    // What is no number is not nothing.
                    <[u8; 4]>::try_from(&*data).map_or(u32::MAX, u32::from_le_bytes)
                }
                None => 0,
            })
        };
        let setup_type = number("SetupType")?;
        let busy = number("SystemSetupInProgress")? != 0 || number("OOBEInProgress")? != 0;
        let command_line = self.value_of(SETUP_KEY, "CmdLine")?.map(|(_, data)| data);
        let empty = command_line.as_ref().is_none_or(|data| data.iter().all(|byte| *byte == 0));
        let ours = command_line.is_some_and(|data| data == string_data(COMMAND_LINE));
        Ok(match (busy, setup_type) {
            (false, 0) if empty => NextStart::Free,
            (false, 2) if ours => NextStart::Ours,
            _ => NextStart::Taken,
        })
    }
}
