// Puts the copy of jQuery just loaded aside, for jquery.js to find.
(window.jQueries ??= []).push(window.jQuery.noConflict(true));
