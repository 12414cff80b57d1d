//! Reads the command line, runs the command, maps the outcome to an exit code.

fn main() {}
