//! Stands empty until its owner writes it.
