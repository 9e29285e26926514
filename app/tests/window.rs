//! The program itself, as it is started: on a display without a screen, and without a display.
//!
//! A display needs `Xvfb` and a software renderer of OpenGL (Mesa). Where they are missing, the test
//! says that it was skipped, and why.

#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// A window of text and lines has more colours than a blank one, smoothed edges included.
const COLORS_MIN: usize = 24;

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/Online_Retail_first_10k.csv")
}

/// A display of its own, and the file that holds its picture.
fn display(folder: &Path) -> Option<(Running, String, PathBuf)> {
    // Any free number will do: the server says which one it took.
    let child = Command::new("Xvfb")
        .args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1440x900x24",
            "-nolisten",
            "tcp",
            "-fbdir",
        ])
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut running = Running(child.ok()?);
    let mut told = String::new();
    let mut out = std::io::BufReader::new(running.0.stdout.take()?);
    std::io::BufRead::read_line(&mut out, &mut told).ok()?;
    let number = told.trim().to_owned();
    let picture = folder.join("Xvfb_screen0");
    (!number.is_empty()).then(|| (running, format!(":{number}"), picture))
}

/// The colours of a picture as X keeps it (XWD, version 7): a header of big-endian words, a table of
/// colours, then four bytes a pixel.
fn colors(picture: &Path) -> HashSet<[u8; 3]> {
    let bytes = std::fs::read(picture).unwrap_or_default();
    let word = |place: usize| -> usize {
        let at = bytes.get(place * 4..place * 4 + 4);
        at.map_or(0, |four| {
            u32::from_be_bytes([four[0], four[1], four[2], four[3]]) as usize
        })
    };
    let (header, entries) = (word(0), word(19));
    let pixels = bytes.get(header + entries * 12..).unwrap_or_default();
    pixels
        .chunks_exact(4)
        .map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect()
}

#[test]
fn the_window_opens_checks_the_file_of_the_command_line_and_is_not_blank() {
    let dir = tempfile::tempdir().unwrap();
    let Some((_xvfb, display, picture)) = display(dir.path()) else {
        eprintln!("SKIPPED: there is no Xvfb here (Debian: apt-get install xvfb libgl1-mesa-dri)");
        return;
    };
    let log = std::fs::File::create(dir.path().join("console.log")).unwrap();
    let data = dir.path().join("data");
    let child = Command::new(env!("CARGO_BIN_EXE_retail-console"))
        .arg(sample())
        .arg("--data-dir")
        .arg(&data)
        .env("DISPLAY", &display)
        .env_remove("WAYLAND_DISPLAY")
        .env("MONITORING_PORT", "0")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut console = Running(child);
    let begun = Instant::now();
    let told = || std::fs::read_to_string(dir.path().join("console.log")).unwrap_or_default();
    while colors(&picture).len() < COLORS_MIN {
        if let Some(status) = console.0.try_wait().unwrap() {
            assert!(
                told().contains("did not open"),
                "the console ended with {status}: {}",
                told()
            );
            eprintln!("SKIPPED: no renderer of OpenGL works here: {}", told());
            return;
        }
        let seen = colors(&picture).len();
        assert!(begun.elapsed() < PATIENCE, "{seen} colours; {}", told());
        std::thread::sleep(Duration::from_millis(50));
    }
    // It remembers the page that it shows: that of the file which was named.
    let kept = || std::fs::read_to_string(data.join("console.json")).unwrap_or_default();
    while !kept().contains("\"page\": \"load\"") {
        assert!(begun.elapsed() < PATIENCE, "{}; {}", kept(), told());
        std::thread::sleep(Duration::from_millis(50));
    }
    if let Some(folder) = std::env::var_os("SHOTS") {
        std::fs::copy(&picture, Path::new(&folder).join("window.xwd")).unwrap();
    }
}

#[test]
fn without_a_display_the_console_says_so_and_demonstrates() {
    let output = Command::new(env!("CARGO_BIN_EXE_retail-console"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("MONITORING_PORT", "0")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}{wrong}");
    assert!(told.starts_with("There is no display here"), "{told}");
    for expect in [
        "541\u{2009}909 rows read, 12\u{2009}311 set aside, 529\u{2009}598 written",
        "lines lost: 0",
        "529\u{2009}598 written again, 0 new",
        "nothing was lost, and the replicas are equal",
        "10\u{2009}660\u{2009}634.504",
    ] {
        assert!(told.contains(expect), "{expect:?} is not in:\n{told}");
    }
}

#[test]
fn the_verbs_of_the_headless_program_work_in_the_console() {
    let output = Command::new(env!("CARGO_BIN_EXE_retail-console"))
        .args(["preview", "--json"])
        .arg(sample())
        .output()
        .unwrap();
    assert!(output.status.success());
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("\"date_format\""), "{told}");
}
