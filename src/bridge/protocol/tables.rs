//! How the rows of a table become what reads or writes them.

/// `name(field: kind, …) => what is done;` A kind is a method of [`Record`]. An
/// `op` is the number under which the output `done` answers.
macro_rules! commands {
    ($rows:ident, $obey:ident($machine:ident: $type:ty, $now:ident, $record:ident),
     else $other:pat => $otherwise:expr, $(
        $(#[doc = $doc:literal])*
        $name:ident($($field:ident: $kind:ident),*) => $act:expr;
    )*) => {
        /// Does what the record says. `false`: it is no command, or a number in it is
        /// none, and nothing was done.
        #[allow(non_snake_case)] // fields have the names of JavaScript
        #[inline(never)]
        pub(in crate::bridge) fn $obey(
            $machine: &mut $type,
            $now: Instant,
            name: &str,
            $record: &$crate::bridge::record::Record<'_>,
        ) -> bool {
            match name {
                $(stringify!($name) => {
                    $(let $field = $record.$kind();)*
                    if $record.misfits() {
                        return false;
                    }
                    $act;
                    true
                })*
                $other => $otherwise,
            }
        }

        #[cfg(test)]
        pub(super) const $rows: &[$crate::bridge::protocol::Row] = &[$($crate::bridge::protocol::Row {
            name: stringify!($name),
            docs: &[$($doc),*],
            fields: &[$((stringify!($field), stringify!($kind))),*],
            part: "",
        }),*];
    };
}

/// `pattern => name(subject) { field: kind = what, …, ..part = what }` The subject is
/// a field, too: the number of what it is about. A kind is a method of [`Json`].
macro_rules! outputs {
    ($rows:ident, $write:ident($json:ident, $output:ident: $type:ty $(, $config:ident)?)
     names $tag:literal, else { $($(#[$when:meta])? $other:pat => $otherwise:expr,)* }, $(
        $(#[doc = $doc:literal])*
        $pattern:pat => $name:ident $(($subject:ident))? {
            $($field:ident: $kind:ident = $what:expr,)* $(..$part:ident = $more:expr)?
        }
    )*) => {
        #[inline(never)]
        pub(in crate::bridge) fn $write($json: &mut $crate::bridge::json::Json, $output: $type $(, $config: &Config)?) {
            match $output {
                $($pattern => {
                    $crate::bridge::protocol::tables::head!($json, $tag, $name $(, $subject)?);
                    $($json.$kind(stringify!($field), $what);)*
                    $($json.$part($more);)?
                })*
                $($(#[$when])? $other => $otherwise,)*
            }
        }

        #[cfg(test)]
        pub(super) const $rows: &[$crate::bridge::protocol::Row] = &[$($crate::bridge::protocol::Row {
            name: stringify!($name),
            docs: &[$($doc),*],
            fields: &[
                $((stringify!($subject), "number"),)?
                $((stringify!($field), stringify!($kind)),)*
            ],
            part: concat!("" $(, stringify!($part))?),
        }),*];
    };
}

macro_rules! head {
    ($json:ident, $tag:literal, $name:ident) => {
        $json.text($tag, stringify!($name))
    };
    ($json:ident, $tag:literal, $name:ident, $subject:ident) => {
        $json.about(stringify!($name), stringify!($subject), $subject)
    };
}

/// `Name as writer, part(value: type) { property: kind = what, … }`. A kind is a
/// method of [`Json`], which these become, too: `writer` makes an object, `part`
/// writes the properties alone.
macro_rules! shapes {
    ($($shape:ident as $object:ident, $part:ident($value:pat, $type:ty) {
        $($name:ident: $kind:ident = $what:expr,)*
    })*) => {
        impl $crate::bridge::json::Json {
            $(
                #[allow(dead_code)] // few are used both ways
                pub(super) fn $object(&mut self, name: &str, value: $type) -> &mut Self {
                    self.raw(name, "{");
                    self.$part(value);
                    self.close('}')
                }

                pub(super) fn $part(&mut self, $value: $type) {
                    $(self.$kind(stringify!($name), $what);)*
                }
            )*
        }

        #[cfg(test)]
        pub(super) const ROWS: &[$crate::bridge::protocol::Row] = &[$($crate::bridge::protocol::Row {
            name: stringify!($shape),
            docs: &[],
            fields: &[$((stringify!($name), stringify!($kind))),*],
            part: stringify!($object),
        }),*];
    };
}

pub(super) use {commands, head, outputs, shapes};
