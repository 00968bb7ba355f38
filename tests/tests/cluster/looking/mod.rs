//! People look at the hosts that share a state: by the command, over HTTP, on the page, by health and by metrics.

mod conflicts;
mod corrections;
mod empty;
mod hosts;
mod interrupting;
mod scene;
mod tables;
mod warnings;
