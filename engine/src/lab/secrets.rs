//! What a secured lab is protected with: one account, and certificates of an authority of its own.
//!
//! All of it is made at random when the lab is set up, and lies in the lab's home, in a folder that
//! only its owner may enter. Nothing of it is of use anywhere else.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::model::Dc;

use super::error::LabError;
use super::options::LabOptions;
use super::place::Home;
use super::program::{self, java_tool};

/// Name of the account.
const ACCOUNT: &str = "retail";
/// Where the system gives random bytes.
const RANDOM: &str = "/dev/urandom";
/// Bytes of a password.
const PASSWORD_BYTES: usize = 24;
/// Days that a certificate holds; a lab is set up anew far more often.
const VALID_DAYS: &str = "3650";

/// An account at the servers.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What the servers are given.
pub(super) struct Secrets {
    /// The account.
    pub(super) account: Account,
    /// Key and certificate of all servers, PKCS 12.
    pub(super) keystore: PathBuf,
    /// The password of that file.
    pub(super) keystore_password: String,
    /// The certificate of the authority, PEM: what clients trust.
    pub(super) authority: PathBuf,
}

impl Secrets {
    /// Those that are there, or new ones.
    pub(super) fn of(home: &Home, options: &LabOptions) -> Result<Self, LabError> {
        let folder = home.secrets();
        make_private(&folder)?;
        for path in [home.password(), password_of_keys(&folder)] {
            if !path.exists() {
                let text = random_text().and_then(|text| fs::write(&path, text));
                text.map_err(|source| unwritten(source, path))?;
            }
        }
        let secrets = Self::read(home)?;
        if !secrets.authority.exists() {
            make_certificates(&folder, &secrets, options)?;
        }
        Ok(secrets)
    }

    /// Those that are there.
    pub(super) fn read(home: &Home) -> Result<Self, LabError> {
        let folder = home.secrets();
        Ok(Self {
            account: Account {
                name: ACCOUNT.to_owned(),
                password: text(&home.password())?,
            },
            keystore: folder.join("servers.p12"),
            keystore_password: text(&password_of_keys(&folder))?,
            authority: folder.join("authority.pem"),
        })
    }
}

fn password_of_keys(folder: &Path) -> PathBuf {
    folder.join("keystore-password")
}

fn text(path: &Path) -> Result<String, LabError> {
    fs::read_to_string(path).map_err(|source| LabError::Home {
        what: "cannot be read",
        source,
        path: path.to_path_buf(),
    })
}

fn unwritten(source: io::Error, path: PathBuf) -> LabError {
    LabError::Home {
        what: "cannot be written",
        source,
        path,
    }
}

/// Letters and digits, so that they need no quoting in any file of the servers.
fn random_text() -> io::Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    File::open(RANDOM)?.read_exact(&mut bytes)?;
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Ok(digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect())
}

/// A folder that only its owner may enter.
pub(super) fn make_private(folder: &Path) -> Result<(), LabError> {
    let made = fs::create_dir_all(folder).and_then(|()| close_to_others(folder));
    made.map_err(|source| unwritten(source, folder.to_path_buf()))
}

#[cfg(unix)]
fn close_to_others(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// An authority, and a certificate of it for the addresses of all servers.
fn make_certificates(
    folder: &Path,
    secrets: &Secrets,
    options: &LabOptions,
) -> Result<(), LabError> {
    let addresses = Dc::ALL.map(|dc| format!("ip:{}", options.address(dc)));
    let names = format!("SAN={}", addresses.join(","));
    let password = password_of_keys(folder);
    let keys = |store: &Path, command: &str, alias: &str, args: &[&str]| {
        let mut keytool = Command::new(java_tool("keytool"));
        keytool
            .args([
                command,
                "-noprompt",
                "-alias",
                alias,
                "-storetype",
                "PKCS12",
            ])
            .arg("-keystore")
            .arg(store)
            .arg("-storepass:file")
            .arg(&password)
            .args(args)
            .current_dir(folder);
        let ran = program::run(&mut keytool, "keytool", "openjdk-17-jre-headless")?;
        if ran.succeeded {
            return Ok(());
        }
        Err(LabError::Tool {
            tool: format!("keytool {command}"),
            output: ran.tail(),
        })
    };
    let made_by = folder.join("authority.p12");
    let key = [
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
        "-validity",
        VALID_DAYS,
    ];
    let authority = [
        &key[..],
        &["-dname", "CN=retail lab authority", "-ext", "bc:c"],
    ]
    .concat();
    keys(&made_by, "-genkeypair", "authority", &authority)?;
    let server = [&key[..], &["-dname", "CN=retail lab"]].concat();
    let store = &secrets.keystore;
    keys(store, "-genkeypair", "server", &server)?;
    keys(store, "-certreq", "server", &["-file", "request.pem"])?;
    let signing = ["-infile", "request.pem", "-outfile", "server.pem", "-rfc"];
    let signing = [&signing[..], &["-validity", VALID_DAYS, "-ext", &names]].concat();
    keys(&made_by, "-gencert", "authority", &signing)?;
    // Written under another name until the rest is done: that it is there says that all is.
    let export = ["-rfc", "-file", "authority.new"];
    keys(&made_by, "-exportcert", "authority", &export)?;
    keys(
        store,
        "-importcert",
        "authority",
        &["-file", "authority.new"],
    )?;
    keys(store, "-importcert", "server", &["-file", "server.pem"])?;
    fs::rename(folder.join("authority.new"), &secrets.authority)
        .map_err(|source| unwritten(source, secrets.authority.clone()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn passwords_are_random_kept_and_shown_to_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (random_text().unwrap(), random_text().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 2 * PASSWORD_BYTES);
        let folder = dir.path().join("secrets");
        make_private(&folder).unwrap();
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let account = Account {
            name: "retail".to_owned(),
            password: one.clone(),
        };
        assert!(!format!("{account:?}").contains(&one));
    }
}
