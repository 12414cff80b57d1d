//! The commands of the documents: every block of shell is marked, and what is marked to be run is run, in the order of the documents, on
//! embedded parts.
//!
//! A mark is a comment right before the block, which readers do not see: `<!-- run -->`, or `<!-- not run: … -->` with the reason. What goes on
//! until it is stopped goes on until the last command has ended, and must end well then.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::apache_kafka::broker::process::{ended, signal, until};
use crate::demo::grapevine;
use crate::world::{World, get, has_checkpoint};

/// What a block without a language may begin with to be one of shell.
const PROGRAMS: [&str; 8] =
    ["clickhouse-client", "curl", "docker", "grapevine", "helm", "kubectl", "make", "target/release/grapevine"];

/// A block of shell.
#[derive(Debug, PartialEq)]
struct Block {
    /// Its page and line.
    place: String,
    is_run: bool,
    text: String,
}

/// The blocks of shell of a page.
///
/// # Errors
/// Where one has no mark, or a mark has no reason.
fn blocks(page: &str, text: &str) -> Result<Vec<Block>, String> {
    let mut found = Vec::new();
    // What stands before a block, and whether a blank line does: only then four spaces begin one.
    let (mut before, mut apart) = ("", true);
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        // In a list, a block is indented.
        let (language, block) = if let Some(language) = line.trim_start().strip_prefix("```") {
            let indent = line.len() - line.trim_start().len();
            let block = lines.by_ref().map(|(_, line)| line.get(indent..).unwrap_or_default());
            let block: Vec<&str> = block.take_while(|line| !line.starts_with("```")).collect();
            (language.trim(), block)
        } else if apart && line.starts_with("    ") {
            let mut block = vec![&line[4..]];
            while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with("    ")) {
                block.push(&line[4..]);
            }
            ("", block)
        } else {
            apart = line.trim().is_empty();
            before = if apart { before } else { line.trim() };
            continue;
        };
        let mark = before.strip_prefix("<!--").and_then(|mark| mark.strip_suffix("-->")).unwrap_or_default().trim();
        (before, apart) = ("", true);
        let begins = block.first().and_then(|line| line.split_whitespace().next()).unwrap_or_default();
        if !(["sh", "bash", "shell", "console"].contains(&language) || language.is_empty() && PROGRAMS.contains(&begins)) {
            continue;
        }
        let place = format!("{page}:{}", number + 1);
        let has_reason = mark.strip_prefix("not run:").is_some_and(|reason| reason.trim().len() > 8);
        if mark != "run" && !has_reason {
            return Err(format!("{place}: say <!-- run --> or <!-- not run: why --> before this block of shell"));
        }
        found.push(Block { place, is_run: mark == "run", text: block.join("\n") });
    }
    Ok(found)
}

/// All documents, the README first.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of = |folder: PathBuf| {
        let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut all: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
        all.sort_unstable();
        all
    };
    let mut pages = of(root.to_owned());
    pages.sort_by_key(|path| !path.ends_with("README.md"));
    [pages, of(root.join("docs"))].concat()
}

fn all_blocks() -> Vec<Block> {
    let of = |path: PathBuf| blocks(path.file_name().unwrap().to_str().unwrap(), &std::fs::read_to_string(&path).unwrap());
    pages().into_iter().flat_map(|path| of(path).unwrap_or_else(|problem| panic!("{problem}"))).collect()
}

#[test]
fn a_block_of_shell_without_a_mark_or_a_reason_is_found() {
    let block = |is_run, text: &str| Block { place: "a.md:3".to_owned(), is_run, text: text.to_owned() };
    assert_eq!(blocks("a.md", "\n<!-- run -->\n```sh\nls\n```\n"), Ok(vec![block(true, "ls")]));
    assert_eq!(
        blocks("a.md", "<!-- not run: no such cluster -->\n\n    kubectl get\n    make b\n"),
        Ok(vec![block(false, "kubectl get\nmake b")])
    );
    assert_eq!(
        blocks("a.md", "text\n\n```\ngrapevine run\n```\n").unwrap_err(),
        "a.md:3: say <!-- run --> or <!-- not run: why --> before this block of shell"
    );
    for unmarked in
        ["```sh\nls\n```", "a\n\n    make x", "<!-- not run: -->\n```sh\nls\n```", "<!-- run -->\ntext\n```sh\nls\n```"]
    {
        assert!(blocks("a.md", unmarked).is_err(), "{unmarked}");
    }
    for other in ["```sql\nSELECT 1\n```", "```\na table\n```", "text\n    make of a sentence", "a\n\n    s² = 2"] {
        assert_eq!(blocks("a.md", other), Ok(Vec::new()), "{other}");
    }
}

/// A shell in the folder of the world's configuration, which finds this program and its secrets.
fn shell(world: &World, admin: SocketAddr, line: &str) -> Command {
    let program = grapevine();
    let folder = Path::new(program.get_program()).parent().unwrap();
    let path =
        std::env::join_paths([folder.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())));
    let mut command = Command::new("sh");
    command.args(["-euc", line]).current_dir(world.folder()).env("PATH", path.unwrap());
    command.env("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key for tests only").env("GRAPEVINE_ADMIN_ADDRESS", admin.to_string());
    command.stdin(Stdio::null()).env_remove("GRAPEVINE_CHAOS");
    command
}

/// Something that goes on until it is stopped.
struct Going(String, Child);

impl Drop for Going {
    fn drop(&mut self) {
        drop((self.1.kill(), self.1.wait()));
    }
}

#[test]
fn the_marked_commands_of_the_documents_work_in_their_order() {
    let blocks = all_blocks();
    let mut world = World::new(1, "manual");
    world.publish(&[
        br#"{"type": "post", "id": "p", "time": 1709683161685, "actor": "a", "brand": "acme"}"#.to_vec(),
        br#"{"type": "of tomorrow", "id": "t", "time": 1709683161685}"#.to_vec(),
    ]);
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (mut going, mut ran) = (Vec::new(), 0);
    for Block { place, text, .. } in blocks.iter().filter(|block| block.is_run) {
        for line in text.replace("\\\n", " ").lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            ran += 1;
            let is_run = line.starts_with("grapevine run ");
            if is_run || line.contains(" --every ") {
                // Itself, not the shell that began it.
                let child = shell(&world, admin, &format!("exec {line}")).stderr(Stdio::null()).spawn().unwrap();
                going.push(Going(format!("{place}: {line}"), child));
            } else {
                let output = shell(&world, admin, line).output().unwrap();
                let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
                assert!(output.status.success(), "{place}: {line}\n{} {said:?}", output.status);
            }
            if is_run {
                world.wait_for(2);
                until("the worker is ready and has a checkpoint", || {
                    let ready = get(admin, "/readyz").map_err(|error| error.to_string())?;
                    if ready.0 == 200 && has_checkpoint(&world.checkpoints()) { Ok(()) } else { Err(ready.1) }
                });
            }
        }
    }
    assert!(ran > 15 && going.len() == 3, "{ran} commands, {} go on", going.len());
    for Going(place, child) in &mut going {
        signal(child, "TERM");
        assert_eq!(ended(child, place).code(), Some(0), "{place}");
    }
}
