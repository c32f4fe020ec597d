//! Recipes. An input is one, that names no file of this machine.

use std::path::Path;

use winkiln_bake::Recipe;

/// Reads a recipe, which gives steps or an error in words.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // With a separator, also a written one, a name might lead to a file that is there.
    if text.contains('/') || text.contains("\\u") || text.contains("\\U") || text.contains("\\x") {
        return;
    }
    match Recipe::parse(text, Path::new("/nonexistent")) {
        Ok(recipe) => assert!(recipe.presets.len() + recipe.steps.len() <= text.len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// One with all of its tables.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let all = r#"
[presets]
acpi-shutdown = true
crash-dump = "small,no-reboot"
boot-switch = "PAE"
[[drivers]]
source = "virtio-win.iso"
only = ["viostor", "netkvm"]
[[remove-drivers]]
name = "viostor"
[[registry]]
key = 'HKLM\SOFTWARE\Site'
name = "x"
type = "REG_MULTI_SZ"
data = ["a", "b"]
sddl = "D:P(A;CI;GA;;;BA)"
[[registry]]
key = 'HKLM\SYSTEM\CurrentControlSet\Services\x'
name = "Start"
type = "REG_DWORD"
data = 0x4
all-control-sets = true
[[files]]
mkdir = 'C:\Setup'
[[bcd]]
object = "{default}"
element = "bootstatuspolicy"
value = "IgnoreAllFailures"
[[firstboot]]
name = "agent"
run = 'C:\Setup\setup.exe'
"#;
    vec![all.as_bytes().to_vec(), b"[presets]\nrdp = true\n".to_vec()]
}
