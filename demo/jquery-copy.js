// Puts the copy of jQuery just loaded aside, for jquery.js to find. A script that is
// loaded once for each: nothing of it is left in the page's own scope.
{
  /** @type {any} */
  const page = window;
  (page.jQueries ??= []).push(page.jQuery.noConflict(true));
}
