// The head of every page: whose it is, the other pages, and the colours. theme.js, which has
// to come first, finds the button there.

import { find, icon, make } from "./element.js";

const PAGES = [
  ["/demo/", "Two phones"],
  ["/demo/calls.html", "Three phones"],
  ["/demo/devices.html", "Three devices"],
  ["/demo/one-number.html", "One number"],
  ["/demo/desk.html", "A desk phone"],
  ["/demo/jquery.html", "jQuery"],
];

const links = PAGES.map(([path = "", text = ""]) => {
  const link = make("a", "masthead__link", text);
  link.href = path;
  if (path === location.pathname) link.setAttribute("aria-current", "page");
  return link;
});
const pages = make("nav", "masthead__pages", ...links);
pages.setAttribute("aria-label", "Demos");

const text = make("span", "");
text.id = "theme-text";
const theme = make("button", "button button--quiet", icon("theme"), text);
theme.type = "button";
theme.id = "theme";

const head = find(document, ".masthead");
head.prepend(
  make("p", "wordmark", icon("wordmark", "wordmark__sign"), "Graceline"),
  pages,
);
head.append(theme);
