//! What of a report would give away a secret: values by their names, passwords in commands, product keys.

/// Words in names of values that hold secrets; letters and digits of a name are compared.
const NAMES: [&str; 7] =
    ["password", "passwd", "passphrase", "secret", "productkey", "digitalproductid", "privatekey"];
/// Names that an option has for a password, besides those that hold one of [`NAMES`].
const OPTIONS: [&str; 3] = ["pass", "pwd", "pw"];
/// What stands for a secret.
pub(crate) const HIDDEN: &str = "***";
/// Groups of a product key, and the letters and digits of each.
const KEY_GROUPS: usize = 5;

/// True for the name of a value that holds a secret.
pub(crate) fn is_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    NAMES.iter().any(|word| plain.contains(word))
}

/// Text without the passwords that a command line holds, and without product keys.
pub(crate) fn without(text: &str) -> String {
    hidden(text, true)
}

/// `whole` lets words in quotation marks be commands themselves.
fn hidden(text: &str, whole: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = Before::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, space) = split(rest);
        rest = &rest[word.len() + space..];
        let lower = word.to_ascii_lowercase();
        let hides = before.hides(&lower);
        before = before.and(&lower);
        if hides {
            shown.push_str(HIDDEN);
        } else if whole && word.contains(char::is_whitespace) && before != Before::Option {
            shown.push_str(&inside(word));
        } else {
            shown.push_str(&of_word(word));
        }
        shown.push_str(&text[text.len() - rest.len() - space..text.len() - rest.len()]);
    }
    shown
}

/// The first word and the length of the space behind it. Quotation marks hold a word together.
fn split(text: &str) -> (&str, usize) {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        !quoted && c.is_whitespace()
    });
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    (word, rest.len() - rest.trim_start().len())
}

/// A word with spaces in it: what is between its first and its last quotation mark.
fn inside(word: &str) -> String {
    match (word.find('"'), word.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            let head = of_word(&word[..first]);
            // `password="a b"`
            if head.len() < first || names(&word[..first]) {
                return format!("{}{HIDDEN}", &word[..first]);
            }
            let (inner, tail) = (&word[first + 1..last], &word[last..]);
            format!("{head}\"{}{tail}", hidden(inner, false))
        }
        (Some(first), _) => format!("{}{}", of_word(&word[..first]), hidden(&word[first..], false)),
        _ => of_word(word),
    }
}

/// True for `password=` and the like.
fn names(head: &str) -> bool {
    head.strip_suffix(['=', ':']).is_some_and(is_option)
}

/// One word: `password=x`, `/pass:x`, `user:password@host`, a product key.
fn of_word(word: &str) -> String {
    if let Some(at) = word.find(['=', ':'])
        && is_option(&word[..at])
        && at + 1 < word.len()
    {
        return format!("{}{HIDDEN}", &word[..=at]);
    }
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((user, host)) = rest.split_once('@')
        && user.contains(':')
    {
        return format!("{scheme}://{HIDDEN}@{host}");
    }
    let start = word.rfind(['=', ':']).map_or(0, |at| at + 1);
    let bare = word[start..].trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if is_product_key(bare) { word.replacen(bare, HIDDEN, 1) } else { word.to_owned() }
}

fn is_option(word: &str) -> bool {
    let bare = word.trim_start_matches(['-', '/', '"']);
    is_name(bare) || OPTIONS.iter().any(|known| bare.eq_ignore_ascii_case(known))
        // `-p` of many programs; `/p` is a switch of others.
        || word.eq_ignore_ascii_case("-p")
}

/// True for `--password` and `/password:`, whose value comes next; not for `/password:x`.
fn takes_next(word: &str) -> bool {
    let bare = word.trim_end_matches(['=', ':']);
    is_option(bare) && !bare.contains(['=', ':'])
}

fn is_product_key(word: &str) -> bool {
    let mut groups = 0;
    let fits = word.split('-').all(|group| {
        groups += 1;
        group.len() == KEY_GROUPS && group.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    fits && groups == KEY_GROUPS
}

/// What the words so far say of the next one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    #[default]
    Nothing,
    /// An option whose value comes next.
    Option,
    /// `net`
    Net,
    /// `net user`
    NetUser,
    /// `net use`
    NetUse,
    /// `net user NAME`, `net use D: \\server\share`
    Account,
}

impl Before {
    /// The next word is a password, unless it is an option.
    fn hides(self, word: &str) -> bool {
        matches!(self, Self::Option | Self::Account) && !word.starts_with(['/', '-'])
    }

    fn and(self, word: &str) -> Self {
        let program = word.rsplit(['\\', '"']).find(|part| !part.is_empty()).unwrap_or(word);
        match (self, word) {
            (Self::Net, "user") => Self::NetUser,
            (Self::Net, "use") => Self::NetUse,
            (Self::NetUser, _) => Self::Account,
            (Self::NetUse, share) if share.starts_with("\\\\") => Self::Account,
            (Self::NetUse, _) => Self::NetUse,
            _ if matches!(program, "net" | "net.exe" | "net1") => Self::Net,
            _ if word.starts_with(['-', '/']) && takes_next(word) => Self::Option,
            _ => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_name, without};

    #[test]
    fn names_of_secrets() {
        for name in ["DefaultPassword", "Product Key", "DigitalProductId4", "VncPasswd", "Secret"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "DefaultUserName", "Passes", "ProductName", "Key", "AutoAdminLogon"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn passwords_are_taken_out_of_commands() {
        for (text, shown) in [
            (r"C:\setup.exe /password:hunter2 /quiet x", r"C:\setup.exe /password:*** /quiet x"),
            (r"C:\setup.exe /password:hunter2 x", r"C:\setup.exe /password:*** x"),
            ("x /pass: hunter2 y", "x /pass: *** y"),
            ("x --password hunter2 --port 1", "x --password *** --port 1"),
            ("x -p hunter2", "x -p ***"),
            ("x -p \"hunter2 too\" y", "x -p *** y"),
            ("x PASSWORD=\"hunter2 too\" y", "x PASSWORD=*** y"),
            ("net user admin hunter2 /add", "net user admin *** /add"),
            (
                r"C:\Windows\System32\NET.EXE user admin hunter2",
                r"C:\Windows\System32\NET.EXE user admin ***",
            ),
            (r"net use Z: \\host\share hunter2 /user:x", r"net use Z: \\host\share *** /user:x"),
            ("cmd /c \"net user admin hunter2\"", "cmd /c \"net user admin ***\""),
            ("slmgr.vbs /ipk AAAAA-BBBBB-CCCCC-11111-22222", "slmgr.vbs /ipk ***"),
            ("PIDKEY=AAAAA-BBBBB-CCCCC-11111-22222,x", "PIDKEY=AAAAA-BBBBB-CCCCC-11111-22222,x"),
            ("PIDKEY=AAAAA-BBBBB-CCCCC-11111-22222", "PIDKEY=***"),
            ("\"AAAAA-BBBBB-CCCCC-11111-22222\"", "\"***\""),
            ("curl https://me:hunter2@host/x", "curl https://***@host/x"),
        ] {
            assert_eq!(without(text), shown, "{text}");
        }
        for text in [
            "",
            "  two  spaces ",
            r"%SystemRoot%\System32\svchost.exe -k netsvcs -p",
            "net user admin /active:yes",
            "net start x",
            "{00112233-4455-6677-8899-aabbccddeeff}",
            "chkdsk /p C:",
            "\"\"\"\" \"open end",
        ] {
            assert_eq!(without(text), text, "{text}");
        }
    }
}
