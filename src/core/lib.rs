//! What Grapevine is without Kafka and ClickHouse: functions of their arguments.
//!
//! The reader says which record of the log comes next, it becomes an event, the engine of its partition folds it, rows come
//! out; attribution says whose credit a sale is, the report makes a page of answers. Nothing here does I/O, waits, looks at a
//! clock or logs, and the manifest lists nothing that could.

pub mod backoff;
pub mod failure;
pub mod record;

pub mod reader;

pub mod event;

pub mod engine;

pub mod row;

pub mod assignment;
pub mod loss;
pub mod rewrite;

pub mod attribution;
pub mod estimate;

pub mod answers;

pub mod report;
