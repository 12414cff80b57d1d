//! What the documents say is run.

use crate::store::{Database, world};

#[tokio::test]
async fn every_query_of_the_sql_guide_runs() {
    let database = Database::migrated("guide").await;
    database.insert(world()).await;
    let guide = include_str!("../../docs/sql.md");
    let mut queries = 0;
    for block in guide.split("```sql\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for statement in grapevine::migrations::statements(block) {
            assert_ne!(database.ask(statement).await, "", "no answer to {statement}");
            queries += 1;
        }
    }
    assert!(queries > 10, "{queries}");
    let views = "SELECT name FROM system.tables WHERE database = currentDatabase()";
    for name in database.ask(views).await.lines() {
        assert!(guide.contains(&format!("`{name}`")), "docs/sql.md does not name {name}");
    }
}
