//! `completions`, `man` and `domain`.

use std::fs;
use std::process::Command;

use crate::env::{Guest, require_tools, winkiln};

#[test]
fn completions_and_pages_know_every_command() {
    for (shell, sign) in
        [("bash", "_winkiln"), ("zsh", "#compdef winkiln"), ("fish", "complete -c winkiln")]
    {
        let script = winkiln(&["completions", shell]).ok();
        assert!(script.contains(sign) && script.contains("bootini"), "{shell}");
    }
    let bash = winkiln(&["completions", "bash"]).ok();
    for behind_help in ["reg__subcmd__add", "fs__subcmd__put", "drivers__subcmd__list"] {
        assert!(bash.contains(&format!("help__subcmd__{behind_help}")), "{behind_help}");
    }
    winkiln(&["completions", "cmd"]).fails(2, &[]);
    let guest = Guest::new();
    let dir = guest.local("man");
    let _ = winkiln(&["man", &dir]).ok();
    for page in ["winkiln.1", "winkiln-apply.1", "winkiln-reg-add.1"] {
        let text = fs::read_to_string(format!("{dir}/{page}")).expect(page);
        assert!(text.contains(".TH"), "{page}");
    }
    winkiln(&["man", guest.image()]).fails(1, &["cannot write pages"]);
}

#[test]
fn a_machine_that_fits_the_sample() {
    let guest = Guest::new();
    let domain = |program: &str| winkiln(&["domain", guest.image(), "--for", program]).ok();
    // The sample's drivers are lines of text, so it boots from nothing, and that is said.
    let run = winkiln(&["domain", guest.image(), "--for", "qemu", "--memory", "1024"]);
    assert!(run.err.contains("winkiln doctor"), "{}", run.err);
    let qemu = run.ok();
    assert!(qemu.starts_with("qemu-system-x86_64 ") && qemu.contains("-m 1024"), "{qemu}");
    assert!(qemu.contains("base=localtime"), "{qemu}");
    let _ = winkiln(&["apply", guest.image(), "--preset", "utc-clock"]).ok();
    assert!(domain("qemu").contains("base=utc"));
    let xl = domain("xl");
    assert!(
        xl.contains("localtime = 0") && xl.contains("format=raw,vdev=hda,access=rw,target=/"),
        "{xl}"
    );
    let libvirt = domain("libvirt");
    assert_eq!(libvirt, domain("libvirt"), "its address follows from the volume");
    let name = ["domain", guest.image(), "--for", "libvirt", "--name", "a<b&'c"];
    let named = winkiln(&name).ok();
    assert!(named.contains("<name>a&lt;b&amp;&apos;c</name>"), "{named}");
    let file = guest.write("domain.xml", named.as_bytes());
    let script = "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])";
    match Command::new("python3").args(["-c", script, &file]).status() {
        Ok(status) => assert!(status.success(), "{named}"),
        Err(error) => assert!(!require_tools(), "python3: {error}"),
    }
    let json = winkiln(&["domain", guest.image(), "--for", "xl", "--json"]).json();
    assert_eq!(json["machine"]["disk_bus"], "ide");
}
