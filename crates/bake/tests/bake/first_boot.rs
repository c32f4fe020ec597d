//! First-boot commands as callers make them.

use winkiln_bake::first_boot::{COMMAND_LINE, Command, FOLDER, SCRIPT};

#[test]
fn the_command_line_leads_to_the_script_wherever_windows_lives() {
    let script = format!(r"%SystemRoot%\{FOLDER}\{SCRIPT}");
    assert!(COMMAND_LINE.contains(&script));
    assert!(!COMMAND_LINE.contains(':'), "no drive letter is assumed");
}

#[test]
fn a_command_keeps_its_name_and_line() {
    let command = Command::new("agent", r" C:\Setup\setup.exe /quiet ").unwrap();
    assert_eq!((command.name(), command.run()), ("agent", r"C:\Setup\setup.exe /quiet"));
}
