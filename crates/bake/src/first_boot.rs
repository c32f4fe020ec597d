//! Commands that run once inside the guest, at its next start and before anyone logs on.
//!
//! `winlogon` runs `HKLM\SYSTEM\Setup\CmdLine` as SYSTEM before the logon screen when `SetupType` is 2, and waits for it
//! (Windows XP to 11). Ours starts `<SystemRoot>\winkiln\firstboot.cmd`, which
//!
//! 1. puts `SetupType` and `CmdLine` back, so that no failure below can repeat it at every start;
//! 2. notes each command in `firstboot.done` before running it: at most one run, whatever happens;
//! 3. runs the commands in order with their output in `firstboot.log`, and never restarts the guest.
//!
//! The folder inherits the security of `%SystemRoot%`: only administrators and SYSTEM write there.
//! Paths go through `%SystemRoot%`, so the system drive may have any letter.
//!
//! Source: values of `SetupType` as Microsoft's deployment support gives them (0 nothing, 1 run and restart, 2 run and go on
//! to the logon screen); `HKLM\SYSTEM\Setup` of Windows XP, 7, 8.1 and 10 hives.

use std::fmt::Write as _;

use crate::ErrorKind;

/// The key that `winlogon` looks at.
pub const SETUP_KEY: &str = r"HKLM\SYSTEM\Setup";
/// Our folder below the Windows folder.
pub const FOLDER: &str = "winkiln";
/// The script, in our folder.
pub const SCRIPT: &str = "firstboot.cmd";
/// Commands that were started, in our folder.
pub const DONE: &str = "firstboot.done";
/// What `CmdLine` holds while the script waits to run. `cmd.exe` expands the variable.
pub const COMMAND_LINE: &str = r#"cmd.exe /d /s /c ""%SystemRoot%\winkiln\firstboot.cmd"""#;

/// Why a first-boot command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FirstBootError {
    /// A name that cannot stand in the script and its log.
    #[error(
        "{name:?} cannot name a first-boot command: expected 1 to 64 letters, digits, dots, dashes or underscores"
    )]
    BadName {
        /// As given.
        name: String,
    },
    /// A command that cannot stand in a batch file.
    #[error("first-boot command {name} cannot run from a batch file: {reason}")]
    BadCommand {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The guest waits to run a script of ours that we cannot read.
    #[error("{path} waits to run at the next start, and is not a script that can be added to")]
    ForeignScript {
        /// Path on its volume.
        path: String,
    },
}

impl FirstBootError {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::ForeignScript { .. } => ErrorKind::Failed,
            _ => ErrorKind::Usage,
        }
    }
}

/// A command for the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    name: String,
    run: String,
    tries: u8,
}

impl Command {
    /// A command line that runs once. `%VARIABLES%` are expanded in the guest.
    ///
    /// # Errors
    /// What a batch file cannot hold: other than printable ASCII, an odd number of quotes, more than 4,000 characters.
    pub fn new(name: &str, run: &str) -> Result<Self, FirstBootError> {
        let word = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if name.is_empty() || name.len() > 64 || !name.chars().all(word) {
            return Err(FirstBootError::BadName { name: name.chars().take(80).collect() });
        }
        let reason = if run.trim().is_empty() {
            "it is empty"
        } else if run.len() > COMMAND_MAX {
            "it is longer than 4000 characters"
        } else if !run.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic()) {
            "it holds characters other than printable ASCII, whose code page in the guest is unknown"
        } else if !run.matches('"').count().is_multiple_of(2) {
            "its quotes do not pair"
        } else {
            return Ok(Self { name: name.to_owned(), run: run.trim().to_owned(), tries: 1 });
        };
        Err(FirstBootError::BadCommand { name: name.to_owned(), reason })
    }

    /// A command of a preset: tried up to three times, five seconds apart, until it succeeds.
    /// `run` is one of our own texts, without `%%` and parentheses.
    pub(crate) fn retried(name: &'static str, run: &'static str) -> Self {
        Self { name: name.to_owned(), run: run.to_owned(), tries: 3 }
    }

    /// Its name in the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The command line.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Identifies name and command line in `firstboot.done`: 64-bit FNV-1a, 16 hexadecimal digits.
    pub(crate) fn id(&self) -> String {
        format!("{:016x}", hash(self.name.bytes().chain([0]).chain(self.run.bytes())))
    }
}

/// 64-bit FNV-1a: tells texts apart.
pub(crate) fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A batch line may hold 8,191 characters, ours adds quotes, escapes and redirections.
const COMMAND_MAX: usize = 4000;
/// Commands in one script.
pub(crate) const COMMANDS_MAX: usize = 1000;

const HEAD: &str = "@echo off
rem Written by winkiln: runs once, at the next start, as SYSTEM, before anyone logs on.
rem First of all the normal start is put back, whatever happens below.
";
/// What `winlogon` would run is taken back.
pub(crate) const NORMAL_START: &str = r#""%SystemRoot%\System32\reg.exe" add "HKLM\SYSTEM\Setup" /v SetupType /t REG_DWORD /d 0 /f >nul 2>&1
"%SystemRoot%\System32\reg.exe" add "HKLM\SYSTEM\Setup" /v CmdLine /t REG_SZ /d "" /f >nul 2>&1
"#;
const SETTINGS: &str = r#"set "WINKILN_DONE=%SystemRoot%\winkiln\firstboot.done"
set "WINKILN_LOG=%SystemRoot%\winkiln\firstboot.log"
cd /d "%SystemRoot%\System32"
"#;
const TAIL: &str = "exit /b 0\n";
/// Starts the lines behind `exit /b`, which are never run: the commands as they were given.
const RECORD: &str = "winkiln-command";

/// The script for `commands`, with CRLF line ends.
pub(crate) fn script(commands: &[Command]) -> Vec<u8> {
    let mut text = [HEAD, NORMAL_START, SETTINGS].concat();
    for (number, command) in commands.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = command.write(&mut text, number + 1);
    }
    text.push_str(TAIL);
    for Command { name, run, tries } in commands {
        let _ = writeln!(text, "{RECORD} {tries} {name} {run}");
    }
    text.replace('\n', "\r\n").into_bytes()
}

impl Command {
    fn write(&self, text: &mut String, number: usize) -> std::fmt::Result {
        let Self { name, tries, .. } = self;
        let id = self.id();
        let run = escape(&self.run);
        let line = format!(
            r#""%SystemRoot%\System32\cmd.exe" /d /s /c "{run}" <nul >>"%WINKILN_LOG%" 2>&1"#
        );
        writeln!(text, "rem {name}")?;
        writeln!(
            text,
            r#""%SystemRoot%\System32\find.exe" "{id}" "%WINKILN_DONE%" >nul 2>&1 && goto after{number}"#
        )?;
        writeln!(text, r#">>"%WINKILN_DONE%" echo {id} {name}"#)?;
        writeln!(text, r#">>"%WINKILN_LOG%" echo %DATE% %TIME% {name}: start"#)?;
        if *tries == 1 {
            writeln!(text, "{line}")?;
        } else {
            let wait = r#""%SystemRoot%\System32\ping.exe" -n 6 127.0.0.1 >nul"#;
            writeln!(text, r#"set "WINKILN_OK=""#)?;
            writeln!(
                text,
                r#"for /l %%n in (1,1,{tries}) do if not defined WINKILN_OK ({line} && set "WINKILN_OK=1" || {wait})"#
            )?;
        }
        writeln!(text, r#">>"%WINKILN_LOG%" echo %DATE% %TIME% {name}: exit code %ERRORLEVEL%"#)?;
        writeln!(text, ":after{number}")
    }
}

/// Escapes what the outer command processor would act on.
///
/// The line stands between quotes there, so what is quoted in it is not quoted outside, and the other way round.
/// Parentheses mean nothing there, and must stay as they are in `%ProgramFiles(x86)%`.
fn escape(run: &str) -> String {
    let mut text = String::with_capacity(run.len());
    let mut quoted_inside = false;
    for letter in run.chars() {
        if letter == '"' {
            quoted_inside = !quoted_inside;
        } else if quoted_inside && "&|<>^".contains(letter) {
            text.push('^');
        }
        text.push(letter);
    }
    text
}

/// The commands of a script of ours; `None` when it is not one.
pub(crate) fn parse(script: &[u8]) -> Option<Vec<Command>> {
    let text = std::str::from_utf8(script).ok()?;
    let (_, records) = text.split_once("\r\nexit /b 0\r\n")?;
    let mut commands = Vec::new();
    for line in records.lines() {
        let mut words = line.splitn(4, ' ');
        if words.next()? != RECORD || commands.len() == COMMANDS_MAX {
            return None;
        }
        let tries = words.next()?.parse().ok().filter(|tries| *tries > 0)?;
        let command = Command::new(words.next()?, words.next()?).ok()?;
        commands.push(Command { tries, ..command });
    }
    // A script that somebody edited does not read back as itself.
    (self::script(&commands) == script).then_some(commands)
}

#[cfg(test)]
mod tests {
    use super::{Command, FirstBootError, escape, parse, script};

    fn command(name: &str, run: &str) -> Command {
        Command::new(name, run).unwrap()
    }

    #[test]
    fn a_script_reads_back_as_its_commands() {
        let commands = [
            command("agent", r#""C:\Program Files\R&D\setup.exe" /quiet"#),
            Command::retried("heuristics", "netsh int tcp set heuristics disabled"),
        ];
        let bytes = script(&commands);
        assert_eq!(parse(&bytes).as_deref(), Some(&commands[..]));
        let mut edited = bytes.clone();
        edited.splice(0..0, *b"rem mine\r\n");
        assert_eq!(parse(&edited), None);
        assert_eq!(parse(b"@echo off\r\n"), None);
    }

    #[test]
    fn the_normal_start_is_put_back_before_anything_runs() {
        let text = String::from_utf8(script(&[command("agent", "setup.exe")])).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        let acting: Vec<&&str> = lines
            .iter()
            .filter(|line| !line.starts_with("rem ") && **line != "@echo off")
            .collect();
        assert!(acting[0].contains("/v SetupType /t REG_DWORD /d 0 /f"), "{}", acting[0]);
        assert!(acting[1].contains("/v CmdLine /t REG_SZ /d \"\" /f"), "{}", acting[1]);
        let noted = text.find(">>\"%WINKILN_DONE%\" echo").unwrap();
        assert!(noted < text.find("\"setup.exe\"").unwrap());
        assert!(!text.contains("C:"), "no drive letter is assumed");
    }

    #[test]
    fn quoting_is_turned_inside_out() {
        for (run, expected) in [
            ("a & b", "a & b"),
            (r#""C:\R&D\x.exe" /q"#, r#""C:\R^&D\x.exe" /q"#),
            (r#""%ProgramFiles(x86)%\a" > "b|c""#, r#""%ProgramFiles(x86)%\a" > "b^|c""#),
        ] {
            assert_eq!(escape(run), expected);
        }
    }

    #[test]
    fn what_a_batch_file_cannot_hold_is_refused() {
        for (name, run) in [
            ("", "x"),
            ("a b", "x"),
            ("x", ""),
            ("x", "  "),
            ("x", "a\nb"),
            ("x", "привет"),
            ("x", "say \"hi"),
        ] {
            assert!(Command::new(name, run).is_err(), "{name:?} {run:?}");
        }
        let long = "x".repeat(4001);
        assert!(matches!(Command::new("x", &long), Err(FirstBootError::BadCommand { .. })));
    }

    #[test]
    fn ids_tell_commands_apart() {
        assert_ne!(command("a", "bc").id(), command("ab", "c").id());
        assert_eq!(command("a", "b").id(), command("a", "b").id());
        assert_eq!(command("a", "b").id().len(), 16);
    }
}
