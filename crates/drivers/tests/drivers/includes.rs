//! `Include` and `Needs`.

use winkiln_drivers::Architecture::Amd64;
use winkiln_drivers::inf::{Folder, IncludedInfs as _, NoIncludes};

use crate::parsed;

#[test]
fn needed_sections_are_carried_out() {
    let inf = parsed("kilnneeds.inf");
    assert_eq!(inf.included_files(), ["absent.inf", "kilnbase.inf"]);
    let guest = vec![parsed("kilnbase.inf")];
    assert!(guest.find("KILNBASE.INF").is_some());
    let install = inf.install("Bus", Amd64, &guest).expect("it installs");
    // The default folder is that of the INF that includes, the strings are those of the included one.
    let [file] = install.files.as_slice() else { panic!("{:?}", install.files) };
    assert_eq!((file.name.as_str(), file.file.as_str()), ("base.dll", "kilnbase.inf"));
    assert_eq!(file.destination.folder, Folder::DRIVER_STORE);
    let [service] = install.services.as_slice() else { panic!("{:?}", install.services) };
    assert_eq!((service.name.as_str(), service.start), ("base", 3));
    assert_eq!(install.registry.len(), 1, "a section of an included INF can be named");
    let found: Vec<_> = install
        .included
        .iter()
        .map(|included| (included.section.as_str(), included.found_in.as_deref()))
        .collect();
    let base = Some("kilnbase.inf");
    assert_eq!(found[0], ("Base", base));
    // It names itself too, which brings nothing more.
    assert_eq!(found[1], ("Base", base));
    assert!(found.contains(&("Base.Missing", None)));
    assert!(found.contains(&("Base.Services", base)));
    assert!(found.contains(&("Absent_Service", None)), "absent.inf may have it");
    assert_eq!(install.not_carried_out[0].values, ["Nowhere"]);
}

#[test]
fn what_is_not_there_is_reported() {
    let inf = parsed("kilnneeds.inf");
    let install = inf.install("Bus", Amd64, &NoIncludes).expect("it installs");
    assert_eq!((install.files.len(), install.services.len()), (0, 0));
    let needed: Vec<_> = install.included.iter().map(|i| (i.line, i.section.as_str())).collect();
    assert!(install.included.iter().all(|included| included.found_in.is_none()));
    assert_eq!(
        needed,
        [
            (20, "Base"),
            (20, "Base.Missing"),
            (25, "Base.Services"),
            (21, "Base_AddReg"),
            (21, "Nowhere"),
            (26, "Absent_Service"),
        ]
    );
    let null = inf.install("Null", Amd64, &NoIncludes).expect("it installs");
    assert!(null.null_service);
    assert_eq!(null.function_service(), None);
}
