//! What the documents must name.

use grapevine::rollup::ANSWERS;

use crate::store::Database;

/// That its queries run, and have answers, is for `tests/sql/cookbook.py`.
#[tokio::test]
async fn the_sql_guide_names_every_table_and_view() {
    let database = Database::migrated("guide").await;
    let guide = include_str!("../../docs/sql.md");
    let views = "SELECT name FROM system.tables WHERE database = currentDatabase()";
    for name in database.ask(views).await.lines() {
        // The runs of an answer stand in a table named after it, as the guide says.
        let said = name.strip_suffix("_run").filter(|answer| ANSWERS.iter().any(|known| known.name == *answer)).unwrap_or(name);
        assert!(guide.contains(&format!("`{said}`")), "docs/sql.md does not name {said}");
    }
}
