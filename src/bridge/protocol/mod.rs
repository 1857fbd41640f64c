//! What crosses the boundary of the phone, said once: [`commands`] go in,
//! [`outputs`] come out, [`options`] are the objects in the one and [`shapes`]
//! those in the other. Each row is what reads or writes it; the types of
//! `js/core/seam.d.ts`, and the list by which the tests' doubles are judged, are
//! made of the same rows.

mod commands;
mod options;
mod outputs;
#[cfg(test)]
mod seam;
mod shapes;
#[cfg(test)]
mod tests;

pub(super) use commands::obey;
pub(super) use outputs::write;

/// One row: name, what is said of it, and its fields with their kinds.
#[cfg(test)]
struct Row {
    name: &'static str,
    docs: &'static [&'static str],
    fields: &'static [(&'static str, &'static str)],
    /// The kind that an object is, or the object whose fields an output has, too.
    part: &'static str,
}
