//! What tools, skills, subagents, MCP servers and slash commands people use: with what errors, tokens and cost.

mod catalogue;
mod commands;
mod events;
mod invocation;
mod prices;
mod rows;
mod settings;
mod tokens;

/// Grows when the same transcript gives other rows than before.
const PROCESSOR_VERSION: u32 = 1;
