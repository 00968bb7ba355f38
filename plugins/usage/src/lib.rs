//! What tools, skills, subagents, MCP servers and slash commands people use: with what errors, tokens and cost.

mod activity;
mod catalogue;
mod commands;
mod events;
mod invocation;
mod prices;
mod responses;
mod rows;
mod settings;
mod summary;
mod tokens;

/// Grows when the same transcript gives other rows than before.
const PROCESSOR_VERSION: u32 = 1;
