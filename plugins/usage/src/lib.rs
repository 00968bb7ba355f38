//! What tools, skills, subagents, MCP servers and slash commands people use: with what errors, tokens and cost.

mod catalogue;
mod prices;
mod settings;
mod tokens;
