//! `boot.ini`. An input is one.

use winkiln_boot::boot_ini::BootIni;

/// Parses a file, which comes out as it went in, and edits each of its entries.
pub fn run(data: &[u8]) {
    let Ok(ini) = BootIni::parse(data) else { return };
    assert_eq!(ini.to_bytes(), data, "a file that is not edited stays as it is");
    let entries = ini.entries();
    assert!(ini.default_entry() < entries.len());
    let _ = (ini.timeout(), ini.default_path());
    for entry in 0..entries.len().min(8) {
        let mut edited = ini.clone();
        if edited.add_switch(entry, "/KILN=1").is_ok() {
            assert_eq!(edited.add_switch(entry, "/KILN=1").ok(), Some(false), "it is there now");
            assert_eq!(edited.entries().len(), entries.len(), "no entry comes or goes");
            assert_eq!(edited.remove_switch(entry, "/KILN").ok(), Some(true), "and can be removed");
        } else {
            assert_eq!(edited.to_bytes(), data, "a failure changes nothing");
        }
        if edited.set_default(entry).is_ok() {
            assert_eq!(edited.entries().len(), entries.len());
        }
    }
    let mut edited = ini.clone();
    edited.set_timeout(7);
    assert_eq!(edited.timeout(), Some(7), "the timeout is set");
    let again = BootIni::parse(&edited.to_bytes()).expect("what was edited is read back");
    assert_eq!(again.timeout(), Some(7), "the timeout reads back");
    let mut edited = ini;
    if edited.add_default_copy(" (kiln)", "/KILN").is_ok() {
        let again = BootIni::parse(&edited.to_bytes()).expect("what was edited is read back");
        assert_eq!(again.entries(), edited.entries(), "entries read back");
    }
}

/// Files as Windows 2000 to 2003 write them, and odd ones.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let usual = b"[boot loader]\r\ntimeout=30\r\ndefault=multi(0)disk(0)rdisk(0)partition(1)\\WINDOWS\r\n\
        [operating systems]\r\nmulti(0)disk(0)rdisk(0)partition(1)\\WINDOWS=\"Windows\" /noexecute=optin /fastdetect\r\n\
        multi(0)disk(0)rdisk(0)partition(2)\\WINNT=\"Old [1]\" /sos\r\nC:\\=\"DOS\"\r\n";
    let odd = b" [Boot Loader]\ntimeout = 5 \n;x\n[operating systems]\nscsi(0)disk(1)rdisk(0)partition(1)\\W=\"a\"/x /y\n\
        C:\\CMDCONS\\BOOTSECT.DAT=\"unclosed /cmdcons\n\x1arest";
    vec![usual.to_vec(), odd.to_vec(), b"[operating systems]\nmulti(0)=x".to_vec()]
}
