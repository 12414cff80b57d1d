//! The report in headless Chromium: nothing overflows, no words leave their picture, on a phone and a desk, in both colour
//! schemes. The pictures taken are left in target/report for people to look at.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Desk;

/// A screen: its name, width and height, and whether it is dark. The last is a sheet of A4 within its margins.
const SCREENS: [(&str, u32, u32, bool); 5] = [
    ("phone-light", 390, 2600, false),
    ("phone-dark", 390, 2600, true),
    ("desk-light", 1280, 900, false),
    ("desk-dark", 1280, 900, true),
    ("paper", 703, 3000, false),
];

/// Measures the page in the frame and writes what is wrong into the document's title.
const MEASURE: &str = r#"
const frame = document.querySelector('iframe'), page = frame.contentDocument, root = page.documentElement, wrong = [];
for (const details of page.querySelectorAll('details')) details.open = true;
if (root.scrollWidth > root.clientWidth) wrong.push('the page is ' + root.scrollWidth + ' wide in ' + root.clientWidth);
for (const element of page.querySelectorAll('body *')) {
  const box = element.getBoundingClientRect();
  if (box.width > 0 && !element.closest('svg, .scrolls table') && box.right > root.clientWidth + 1) wrong.push(element.tagName + '.' + element.className + ' ends at ' + box.right);
}
for (const table of page.querySelectorAll('.scrolls')) {
  if (PAPER && table.scrollWidth > table.clientWidth + 1) wrong.push('cut on paper: ' + table.getAttribute('aria-label') + ', ' + table.scrollWidth + ' in ' + table.clientWidth);
}
for (const words of page.querySelectorAll('svg text')) {
  const box = words.getBoundingClientRect(), picture = words.closest('svg').getBoundingClientRect();
  if (box.left < picture.left - 2 || box.right > picture.right + 2 || box.bottom > picture.bottom + 2) wrong.push('words leave the picture: ' + words.textContent);
  if (root.clientWidth < 500 && box.height < 8) wrong.push('words too small to read: ' + words.textContent);
}
const pictures = page.querySelectorAll('figure svg'), scheme = getComputedStyle(page.body).backgroundColor;
document.title = JSON.stringify({ width: root.clientWidth, pictures: pictures.length, scheme, wrong });
"#;

fn chromium(profile: &Path, arguments: &[String]) -> String {
    let mut command = Command::new("chromium");
    command.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--allow-file-access-from-files",
        "--virtual-time-budget=4000",
    ]);
    command.arg(format!("--user-data-dir={}", profile.display())).args(arguments);
    let output = command.output().unwrap_or_else(|error| panic!("chromium does not start: {error}; run: .ci/setup test"));
    assert!(output.status.success(), "chromium {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A page that shows the report in a frame of a width: the browser's own windows cannot be as narrow as a phone.
fn framed(report: &Path, (width, height): (u32, u32), script: &str) -> PathBuf {
    let page = report.with_file_name(format!("frame-{width}-{}.html", script.len()));
    let name = report.file_name().unwrap().to_str().unwrap();
    let style = format!("<style>body{{margin:0}}iframe{{border:0;width:{width}px;height:{height}px}}</style>");
    let on_load = if script.is_empty() {
        String::new()
    } else {
        format!(
            "<script>addEventListener('load', () => \
            {{{script}}})</script>"
        )
    };
    std::fs::write(&page, format!("<!DOCTYPE html>{style}<iframe src=\"{name}\"></iframe>{on_load}")).unwrap();
    page
}

/// The report with the styles of paper on the screen, where they can be measured.
fn printed(report: &Path) -> PathBuf {
    let page = report.with_file_name("printed.html");
    let html = std::fs::read_to_string(report).unwrap();
    assert_eq!(html.matches("@media print").count(), 1);
    std::fs::write(&page, html.replace("@media print", "@media all")).unwrap();
    page
}

/// Width and height of a PNG.
fn size_of(picture: &[u8]) -> (u32, u32) {
    assert!(picture.starts_with(b"\x89PNG"), "no picture");
    let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[tokio::test]
async fn it_fits_a_phone_and_a_desk_in_both_colour_schemes() {
    let desk = Desk::new("report_browser").await;
    let report = desk.path("report.html");
    std::fs::write(&report, desk.plain_report().await).unwrap();
    let shots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/report");
    std::fs::create_dir_all(&shots).unwrap();
    let profile = desk.path("profile");
    for (name, width, height, dark) in SCREENS {
        let scheme = if dark { vec!["--blink-settings=preferredColorScheme=0".to_owned()] } else { vec![] };
        let is_paper = name == "paper";
        let report = if is_paper { printed(&report) } else { report.clone() };
        let measured = framed(&report, (width, height), &format!("const PAPER = {is_paper};{MEASURE}"));
        let dom =
            chromium(&profile, &[&scheme[..], &["--dump-dom".to_owned(), format!("file://{}", measured.display())]].concat());
        let title = dom
            .split("<title>")
            .nth(1)
            .and_then(|rest| rest.split("</title>").next())
            .unwrap_or_else(|| panic!("not measured: {dom}"));
        let paper = if dark { "rgb(15, 20, 25)" } else { "rgb(255, 255, 255)" };
        let start = format!("{{\"width\":{width},\"pictures\":");
        assert!(title.starts_with(&start) && !title.starts_with(&format!("{start}0,")), "{name}: {title}");
        assert!(title.contains(&format!("\"scheme\":\"{paper}\"")), "{name}: {title}");
        assert!(title.ends_with("\"wrong\":[]}"), "{name}: {title}");

        let shot = shots.join(name).with_extension("png");
        let shown = framed(&report, (width, height), "");
        let window = [
            format!("--screenshot={}", shot.display()),
            format!("--window-size={width},{height}"),
            format!("file://{}", shown.display()),
        ];
        chromium(&profile, &[&scheme[..], &window].concat());
        let picture = std::fs::read(&shot).unwrap();
        assert!(
            size_of(&picture).0 >= width && picture.len() > 20_000,
            "{name}: {:?}, {} bytes",
            size_of(&picture),
            picture.len()
        );
    }
    let paper = desk.path("report.pdf");
    chromium(
        &profile,
        &[
            "--no-pdf-header-footer".to_owned(),
            format!("--print-to-pdf={}", paper.display()),
            format!("file://{}", report.display()),
        ],
    );
    let pages = std::fs::read(&paper).unwrap();
    assert!(pages.starts_with(b"%PDF-") && pages.len() > 50_000, "{} bytes on paper", pages.len());
}
