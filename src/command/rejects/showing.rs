//! One reject in full, for people: text where it is text, else bytes.

use crate::command::CommandError;
use crate::command::database::Database;
use crate::command::outcome::say;
use crate::command::table::instant;
use crate::config::Config;
use crate::row::Rejected;

/// Bytes in a line of a dump.
const BYTES_A_LINE: usize = 16;

const ONE: &str = "SELECT epoch, source, offset, version, received, reason, detail, key, payload, headers, truncated, replayed \
    FROM rejects FINAL WHERE epoch = {epoch:UInt16} AND source = {source:String} AND offset = {offset:UInt64}";

pub(super) async fn run(config: &Config, source: &str, offset: u64, epoch: u16) -> Result<(), CommandError> {
    let database = Database::open(&config.clickhouse).await?;
    let query = database.query(ONE).param("epoch", epoch).param("source", source).param("offset", offset);
    let found: Vec<Rejected> = database.all("ask for the reject", query).await?;
    let reject = found.first().ok_or_else(|| {
        CommandError::Refused(format!("epoch {epoch} holds no reject of {source} at offset {offset}: see `grapevine rejects ls`"))
    })?;
    say(&description(reject))
}

fn description(reject: &Rejected) -> String {
    let Rejected { epoch, source, offset, version: _, received, reason, detail, key, payload, headers, truncated, replayed } =
        reject;
    let cut = if *truncated { " (cut when it was stored)" } else { "" };
    let replayed = if *replayed { "yes" } else { "no" };
    let mut text = format!(
        "source    {source}\noffset    {offset}\nepoch     {epoch}\nreceived  {}\nreason    {reason}\ndetail    {}\nreplayed  {replayed}\n",
        instant(*received),
        harmless(detail),
    );
    for (name, value) in headers {
        text += &format!("\nheader {}\n{}", harmless(name), content(value));
    }
    text + &format!("\nkey, {} bytes\n{}\npayload, {} bytes{cut}\n{}", key.len(), content(key), payload.len(), content(payload))
}

/// Text as it is, anything else as a dump.
fn content(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok("") => "  (empty)\n".to_owned(),
        Ok(text) => text.lines().fold(String::new(), |shown, line| shown + "  " + &harmless(line) + "\n"),
        Err(_) => dump(bytes),
    }
}

/// Text that cannot give orders to the terminal.
fn harmless(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, line) in bytes.chunks(BYTES_A_LINE).enumerate() {
        let hex = line.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x} "));
        let signs: String = line.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
        text += &format!("  {:08x}  {hex:<48} {signs}\n", at * BYTES_A_LINE);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_text_and_cannot_move_the_cursor() {
        assert_eq!(content(b"{\"a\":\n\t1}"), "  {\"a\":\n  \t1}\n");
        assert_eq!(content(b"\x1b[2Jgone"), "  \\u{1b}[2Jgone\n");
        assert_eq!(content(b""), "  (empty)\n");
    }

    #[test]
    fn bytes_are_dumped() {
        let shown = content(b"ab\xff\x00cdefghijklmnop");
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "  00000000  61 62 ff 00 63 64 65 66 67 68 69 6a 6b 6c 6d 6e  ab..cdefghijklmn");
        assert!(lines[1].starts_with("  00000010  6f 70 ") && lines[1].ends_with("op"), "{shown}");
    }
}
