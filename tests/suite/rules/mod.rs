//! The condition language against a real file.

mod agree;
mod gone;
