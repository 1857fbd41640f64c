//! What crosses the boundaries, said once. Of the phone: `commands` go in, `outputs`
//! come out, `options` are the objects in the one and `shapes` those in the other;
//! of a phone that controls others also `watching`; of the control of a desk phone:
//! `desk`. Each row is what reads or writes it (`tables`); the types of
//! `js/core/seam.d.ts` and `js/desk/seam.d.ts`, and the list by which the tests' doubles
//! are judged, are made of the same rows.

#[cfg(any(test, feature = "bridge"))]
mod commands;
#[cfg(any(test, feature = "bridge-csta"))]
pub(super) mod desk;
#[cfg(any(test, feature = "bridge", feature = "bridge-gateway"))]
mod options;
#[cfg(any(test, feature = "bridge"))]
mod outputs;
#[cfg(test)]
mod seam;
#[cfg(any(test, feature = "bridge"))]
mod shapes;
#[cfg(any(test, feature = "bridge", feature = "bridge-csta"))]
mod tables;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "third-party"))]
pub(super) mod watching;

#[cfg(any(test, feature = "bridge"))]
pub(super) use commands::obey;
#[cfg(any(test, feature = "bridge"))]
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
