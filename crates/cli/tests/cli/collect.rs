//! `collect`.

use crate::env::{Guest, path, winkiln};

#[test]
fn logs_and_dumps_come_out_as_they_lie_in_the_guest() {
    let guest = Guest::new();
    let log = guest.write("x.log", b"log");
    for place in [
        r"C:\Windows\System32\winevt\Logs\System.evtx",
        r"C:\Windows\INF\setupapi.dev.log",
        r"C:\Windows\Minidump\010125-1.dmp",
        r"C:\Windows\MEMORY.DMP",
        r"C:\Windows\Logs\CBS\CBS.log",
    ] {
        let folder = place.rsplit_once('\\').unwrap().0;
        winkiln(&["fs", "mkdir", "-p", guest.image(), folder]).ok();
        winkiln(&["fs", "put", guest.image(), &log, place]).ok();
    }
    let before = guest.hash();
    let dir = guest.dir.path().join("out");
    let shown = winkiln(&["collect", "--json", guest.image(), path(&dir)]).json();
    // With what the sample's own first-boot work left.
    assert_eq!(shown["files"], 5, "{shown}");
    for file in ["System32/winevt/Logs/System.evtx", "INF/setupapi.dev.log", "Logs/CBS/CBS.log"] {
        assert_eq!(std::fs::read(dir.join("Windows").join(file)).unwrap(), b"log", "{file}");
    }
    assert!(!dir.join("Windows/MEMORY.DMP").exists());
    winkiln(&["collect", "--memory-dump", guest.image(), path(&dir)]).ok();
    assert!(dir.join("Windows/MEMORY.DMP").exists());
    assert_eq!(guest.hash(), before);
    let shown = winkiln(&["inspect", "--json", guest.image()]).json();
    let health = &shown["windows"][0]["health"];
    assert_eq!(health["findings"][0]["severity"], "stops-boot", "{health}");
    let page = winkiln(&["inspect", guest.image()]).ok();
    for text in ["will not boot", "storage-not-bound", "ok loader", "!! disk"] {
        assert!(page.contains(text), "{page}");
    }
}
