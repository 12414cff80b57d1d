//! What the documents must name.

use crate::store::Database;

/// That its queries run, and have answers, is for `tests/sql/cookbook.py`.
#[tokio::test]
async fn the_sql_guide_names_every_table_and_view() {
    let database = Database::migrated("guide").await;
    let guide = include_str!("../../docs/sql.md");
    let views = "SELECT name FROM system.tables WHERE database = currentDatabase()";
    for name in database.ask(views).await.lines() {
        assert!(guide.contains(&format!("`{name}`")), "docs/sql.md does not name {name}");
    }
}
