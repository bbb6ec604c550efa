//! The story of the demo, told over the nodes' own HTTP interfaces: what a person does with two browsers.

mod client;
mod story;

pub(crate) use story::{Document, Story};
