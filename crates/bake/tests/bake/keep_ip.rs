//! Static addresses that are carried to the next network adapter.

use winkiln_bake::{BakeError, ErrorKind, KeepIp, Recipe, Report, Session, Step};
use winkiln_hive::ValueType;

use crate::images::options;
use crate::judge::Guest;

const INTERFACES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces";
/// The adapters of the Windows 7 sample.
const FIRST: &str = "{6AAFC9A9-0542-4DB2-8760-CCFFA953737C}";
const SECOND: &str = "{698E50A9-4F58-4D86-B61D-F42E58DCACF6}";

fn keep(
    guest: &Guest,
    pairs: &[&str],
    before: &[Step],
    dry_run: bool,
) -> Result<Report, BakeError> {
    let mut session = Session::open(&guest.image, &options(dry_run)).expect("opens");
    for step in before {
        session.apply(step).expect("a value is set");
    }
    session.apply(&Step::KeepAddresses(KeepIp::parse(pairs).expect("pairs")))?;
    session.finish()
}

fn by_dhcp(guid: &str) -> [Step; 2] {
    let key = format!(r"{INTERFACES}\{guid}");
    let number = |name: &str, data: &[u8], kind| Step::SetValue {
        key: key.clone(),
        name: name.into(),
        kind,
        data: data.to_vec(),
    };
    [
        number("EnableDHCP", &[1, 0, 0, 0], ValueType::Dword),
        number("NameServer", &[0, 0], ValueType::Sz),
    ]
}

#[test]
fn the_addresses_of_an_adapter_go_to_the_next_one() {
    let Some(guest) = Guest::new("keepip.raw", "7", "mbr", &[]) else { return };
    let before = guest.copy("before.img");
    let error = keep(&guest, &[], &[], false).expect_err("two adapters have static addresses");
    assert_eq!(error.kind(), ErrorKind::Usage);
    let text = error.to_string();
    assert!(text.contains("Local Area Connection (192.168.1.123/24)"), "{text}");
    assert!(text.contains("Local Area Connection 2 (10.3.58.5/24)"), "{text}");
    assert!(error.hint().is_some_and(|hint| hint.contains("ADDRESS=MAC")));
    assert!(guest.is_as(&before));

    // Nothing static, nothing done.
    let dhcp: Vec<Step> = [FIRST, SECOND].iter().flat_map(|guid| by_dhcp(guid)).collect();
    let report = keep(&guest, &[], &dhcp, true).expect("it is no error");
    assert!(report.kept_addresses.is_empty());
    assert!(
        report.warnings.iter().any(|warning| warning.contains("nothing to keep")),
        "{report:?}"
    );
    let report = keep(&guest, &[], &by_dhcp(FIRST), true).expect("one is left");
    assert_eq!(report.kept_addresses[0].guid, SECOND);
    assert_eq!(report.kept_addresses[0].mac, None);

    let pairs = ["10.3.58.5=52:54:00:12:34:56"];
    let report = keep(&guest, &pairs, &[], false).expect("it is said which");
    assert!(report.committed);
    let kept = &report.kept_addresses[0];
    assert_eq!(kept.connection, "Local Area Connection 2");
    assert_eq!(
        (&*kept.addresses, &*kept.gateways),
        (&["10.3.58.5/24".to_owned()][..], &["10.3.58.1".to_owned()][..])
    );
    assert_eq!(kept.dns_servers, ["10.3.58.4"]);
    assert_eq!(kept.mac.as_deref(), Some("52-54-00-12-34-56"));
    assert!(report.warnings.iter().any(|warning| warning.contains("192.168.1.123")), "{report:?}");
    let path = report.changes.iter().find(|change| change.target.contains("keepip-"));
    let path = path.expect("the script").target.replace('\\', "/");
    let script = String::from_utf8(guest.file(&path).expect("the script")).unwrap();
    assert!(script.contains("address=10.3.58.5 mask=255.255.255.0 gateway=10.3.58.1"), "{script}");
    assert!(
        script.contains(&format!("\r\nrem {SECOND}\r\n"))
            && script.contains(&format!("\r\nrem {FIRST}\r\n"))
    );
    let name = path.rsplit('/').next().unwrap();
    let first = String::from_utf8(guest.file("Windows/winkiln/firstboot.cmd").unwrap()).unwrap();
    assert!(first.contains(&format!(r#""%SystemRoot%\winkiln\{name}""#)), "{first}");
    guest.assert_clean(&before);
    let again = keep(&guest, &pairs, &[], false).expect("the same again");
    assert!(!again.committed && again.changes.is_empty(), "{again:?}");
}

#[test]
fn a_recipe_keeps_addresses() {
    let folder = std::path::Path::new("/recipes");
    let steps = |keep: &str| {
        let text = format!("[[drivers]]\nsource = 'x'\nkeep-ip = {keep}\n");
        Recipe::parse(&text, folder).map(|recipe| recipe.steps)
    };
    assert_eq!(steps("true").unwrap()[1], Step::KeepAddresses(KeepIp::default()));
    assert_eq!(steps("false").unwrap().len(), 1);
    let pairs = KeepIp::parse(&["192.0.2.5=52:54:00:12:34:56"]).unwrap();
    assert_eq!(steps("['192.0.2.5=52:54:00:12:34:56']").unwrap()[1], Step::KeepAddresses(pairs));
    let error = steps("['192.0.2.5']").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("line 3"), "{error}");
}
