//! Plugins for the end-to-end tests. The main one is the probe, which does what each line of a transcript tells it:
//!
//! ```json
//! {"do":"rows","count":3}
//! {"do":"panic","payload":"string"}
//! ```
//!
//! Lines that tell it nothing are passed over. See [`Step`] for what it can be told; its tables are `NAME_rows` with
//! constraints, `NAME_notes` without, both of them session tables, and `NAME_totals` with a primary key, for
//! `execute`. [`Counts`] counts with SQL. [`Reporting`] has reports.

mod counts;
mod ending;
mod probe;
mod reporting;
mod step;

pub use counts::Counts;
pub use ending::HostEnd;
pub use probe::Probe;
pub use reporting::Reporting;
pub use session_plugin_api;
pub use step::Step;

/// Makes a probe of this name the processor of a library: `probe!("probe", |descriptor| descriptor.serial());`
#[macro_export]
macro_rules! probe {
    ($name:literal) => {
        $crate::probe!($name, |descriptor| descriptor);
    };
    ($name:literal, $settings:expr) => {
        use $crate::session_plugin_api::prelude::*;

        #[derive(Default)]
        struct Plugin($crate::Probe);

        impl SessionProcessor for Plugin {
            fn descriptor(&self) -> Descriptor {
                let settings: fn(Descriptor) -> Descriptor = $settings;
                settings($crate::Probe::descriptor($name))
            }

            fn migrations(&self) -> Vec<Migration> {
                $crate::Probe::migrations($name)
            }

            fn configure(&mut self, configuration: &Configuration) -> Result<()> {
                $crate::Probe::configure(configuration)
            }

            fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
                self.0.process_session($name, session, connection)
            }
        }

        $crate::session_plugin_api::export_processor!(Plugin);
    };
}

/// Makes a processor with reports: `reporting!(descriptor)`, where `descriptor` adds them.
#[macro_export]
macro_rules! reporting {
    ($reports:expr) => {
        use $crate::session_plugin_api::prelude::*;

        #[derive(Default)]
        struct Plugin;

        impl SessionProcessor for Plugin {
            fn descriptor(&self) -> Descriptor {
                let reports: fn(Descriptor) -> Descriptor = $reports;
                reports($crate::Reporting::descriptor())
            }

            fn migrations(&self) -> Vec<Migration> {
                $crate::Reporting::migrations()
            }

            fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
                $crate::Reporting::process_session(session, connection)
            }
        }

        $crate::session_plugin_api::export_processor!(Plugin);
    };
}
