//! The examples of `docs/roi.md`.

use super::*;

const DOCUMENT: &str = include_str!("../../../../docs/roi.md");

/// Every rule of the chapter has its example; each is counted out.
#[test]
fn the_examples_of_the_document_are_what_the_rules_say() {
    let chapter = DOCUMENT.split("\n## ").find(|chapter| chapter.starts_with("Whose credit")).unwrap();
    for section in chapter.split("\n### ").skip(1) {
        let (title, body) = section.split_once('\n').unwrap();
        let tables = body.split("\n\n").filter(|block| block.trim_start().starts_with("| "));
        let figures =
            tables.filter_map(|table| Example::read(&table.trim().lines().collect::<Vec<_>>())).map(|example| example.check());
        assert!(figures.sum::<usize>() > 0, "no example under {title}");
    }
}
