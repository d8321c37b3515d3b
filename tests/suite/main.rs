//! Every test that needs more than one module, in one binary.

mod mail_peers;
mod support;
