//! What the money side promises: the same bytes for ever, facts that parse, and causes that can be switched off.

use super::*;
